"""Cross-encoders in torch, by sentence-transformers: for GPUs and other architectures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import CrossEncoder
from transformers import PreTrainedModel

from services.errors import ModelUnavailable
from services.models.batching import plan_batches
from services.models.blending import read_blend
from services.models.folder import ModelFolder, read_languages
from services.models.pairs import PairTokenizer, TokenizedPair
from services.models.tokenizing import ModelTokenizer
from services.models.torch_device import run_halving, torch_precision
from services.models.torch_loading import load_pretrained
from services.ports.models import ModelCard, Passage, Scores
from services.settings import Settings

BATCH_TOKENS = 65_536


class TorchCrossEncoder:
    """Runs a CrossEncoder's modules on pairs that Winnow's own tokenizer joined."""

    def __init__(
        self, network: PreTrainedModel, tokenizer: ModelTokenizer, card: ModelCard
    ) -> None:
        self.card = card
        self._network = network
        self._pairs = PairTokenizer(tokenizer, card.max_tokens)
        self._with_types = int(getattr(network.config, "type_vocab_size", 0) or 0) > 1

    def count_tokens(self, pairs: Sequence[tuple[str, Passage]]) -> NDArray[np.int32]:
        """Input length of each pair in tokens, cut at ``card.max_tokens``."""
        return self._pairs.count(pairs)

    def score(self, pairs: Sequence[tuple[str, Passage]]) -> Scores:
        """Logits of one batch of pairs, float32 whatever the model computes in."""
        rows = self._pairs.join(pairs)
        logits = np.empty(len(rows), np.float32)
        for batch in plan_batches([len(row.ids) for row in rows], BATCH_TOKENS):
            logits[batch] = run_halving(self._run, [rows[index] for index in batch])
        return Scores(logits, np.array([row.cut for row in rows], np.bool_))

    def _run(self, rows: Sequence[TokenizedPair]) -> list[float]:
        batch: dict[str, Any] = {
            name: torch.from_numpy(values.astype(np.int64)).to(self.card.device)
            for name, values in self._pairs.batch(rows).items()
            if name != "token_type_ids" or self._with_types
        }
        with torch.inference_mode():
            scores: list[float] = self._network(**batch).logits[:, 0].float().cpu().tolist()
        return scores


def load_torch_cross_encoder(
    folder: ModelFolder, settings: Settings, device: str
) -> TorchCrossEncoder:
    """Load a sentence-transformers cross-encoder from its folder; raises ModelUnavailable."""
    precision, dtype = torch_precision(settings.precision, device)
    model = load_pretrained(CrossEncoder, folder, device, dtype)
    network = model.transformers_model
    if network is None or int(network.config.num_labels) != 1:
        raise ModelUnavailable(
            f"{folder.name} does not give one score a pair: name a cross-encoder with one label."
        )
    blend = read_blend(folder)
    card = ModelCard(
        name=folder.name,
        revision=folder.revision,
        runtime="torch",
        device=device,
        precision=precision,
        max_tokens=int(model.max_seq_length),
        languages=frozenset(settings.model_languages) or read_languages(folder),
        prior_scale=blend.prior_scale,
        asked_only=blend.asked_only,
    )
    return TorchCrossEncoder(network, ModelTokenizer(folder.path), card)

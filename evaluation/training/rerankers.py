"""Cross-encoders to be trained, from any base, behind sentence-transformers' interface."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import torch
from sentence_transformers import CrossEncoder
from sentence_transformers.base.modules import InputModule
from torch import Tensor

from evaluation.training import interaction_folder
from evaluation.training.interaction import InteractionScorer
from services.models.folder import ModelFolder
from services.models.pairs import PairTokenizer
from services.models.tokenizing import ModelTokenizer
from services.ports.models import Passage


class InteractionModule(InputModule):
    """An :class:`InteractionScorer` with its tokenizer: pairs of texts in, scores out."""

    def __init__(self, scorer: InteractionScorer, tokenizer: Path, max_tokens: int) -> None:
        """``tokenizer`` is a folder that holds its files."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.scorer = scorer
        self._files = tokenizer
        self._pairs = PairTokenizer(ModelTokenizer(tokenizer), max_tokens)
        self.max_seq_length = max_tokens

    def preprocess(  # type: ignore[override]  # pairs of texts alone
        self, inputs: Sequence[tuple[str, str]], prompt: str | None = None, **_: Any
    ) -> dict[str, Tensor]:
        """Ids, mask and types, cut and joined by the code that serves searches."""
        pairs = [((prompt or "") + query, Passage(text)) for query, text in inputs]
        batch = self._pairs.batch(self._pairs.join(pairs))
        return {name: torch.from_numpy(values).long() for name, values in batch.items()}

    def forward(self, features: dict[str, Tensor], **_: Any) -> dict[str, Tensor]:
        """Adds ``scores`` [rows, 1]."""
        logits = self.scorer(
            features["input_ids"], features["attention_mask"], features["token_type_ids"]
        )
        return features | {"scores": logits[:, None]}

    def save(self, output_path: str, *_: Any, **__: Any) -> None:
        """Write a folder that both runtimes of Winnow read."""
        target = Path(output_path)
        interaction_folder.write(self.scorer, target)
        for name in interaction_folder.TOKENIZER_FILES:
            if (self._files / name) != (target / name):
                shutil.copyfile(self._files / name, target / name)

    @classmethod
    def load(cls, model_name_or_path: str, *_: Any, **__: Any) -> Self:
        """Read what :meth:`save` wrote."""
        folder = Path(model_name_or_path)
        scorer = interaction_folder.read(folder)
        limit = ModelFolder(folder, folder.name, "", "path").json("tokenizer_config.json")
        return cls(scorer, folder, int(limit["model_max_length"]))


def open_base(
    base: ModelFolder, work: Path, *, crossing_layers: int, frozen_layers: int, max_tokens: int
) -> CrossEncoder:
    """A cross-encoder to train: as it is, or begun from a bi-encoder or a bare encoder.

    Args:
        work: where the folder of a begun one is written.
        crossing_layers: of one begun from a bi-encoder, the layers that attend across.
        frozen_layers: the embeddings and so many layers are left as they are; 0: none.
        max_tokens: longest input of training.
    """
    folder = base.path
    if interaction_folder.starts_from(base):
        interaction_folder.begin(
            folder, work, crossing_layers=crossing_layers, max_tokens=max_tokens
        )
        folder = work
    if interaction_folder.is_interaction(folder):
        scorer = interaction_folder.read(folder)
        module = InteractionModule(scorer, folder, max_tokens)
        model = CrossEncoder(modules=[module], activation_fn=torch.nn.Identity())
        embeddings, layers = scorer.bert.embeddings, scorer.bert.encoder.layer
    else:
        model = CrossEncoder(
            str(folder), num_labels=1, max_length=max_tokens, activation_fn=torch.nn.Identity()
        )
        encoder = model[0].model.base_model
        embeddings, layers = encoder.embeddings, encoder.encoder.layer
    if frozen_layers:
        for part in (embeddings, *layers[:frozen_layers]):
            part.requires_grad_(requires_grad=False)
    return model  # type: ignore[no-any-return]

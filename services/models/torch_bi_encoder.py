"""Bi-encoders in torch, by sentence-transformers: for GPUs and for other architectures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from services.generations import EncoderFingerprint
from services.models.batching import plan_batches
from services.models.folder import ModelFolder, read_languages, read_recipe
from services.models.inputs import passage_head
from services.models.projection import TokenProjection, load_projection
from services.models.tokenizing import Ids, ModelTokenizer, pad
from services.models.torch_device import run_halving, torch_precision
from services.models.torch_loading import load_pretrained
from services.ports.models import Encoded, ModelCard, Passage, Passes
from services.ports.vectors import TokenVectors, Vectors
from services.settings import Settings

BATCH_TOKENS = 65_536

_DEFAULT_MAX_TOKENS = 512
_PASSES = Passes(at_once=1, tokens=4_096)


class TorchBiEncoder:
    """Runs a SentenceTransformer's modules on ids that Winnow's own tokenizer made."""

    def __init__(
        self,
        model: SentenceTransformer,
        tokenizer: ModelTokenizer,
        card: ModelCard,
        fingerprint: EncoderFingerprint,
        projection: TokenProjection | None = None,
    ) -> None:
        self.card = card
        self.passes = _PASSES
        self.fingerprint = fingerprint
        self.counter = tokenizer
        self._model = model
        self._tokenizer = tokenizer
        self._room = card.max_tokens - tokenizer.single.overhead
        self._matrix = (
            torch.from_numpy(projection.matrix).to(card.device, model.dtype) if projection else None
        )

    def encode_queries(self, queries: Sequence[str]) -> Encoded:
        """Vectors of queries; longer ones are cut at ``card.max_tokens``."""
        return self._encode([self.fingerprint.query_prefix] * len(queries), queries)

    def encode_passages(self, passages: Sequence[Passage]) -> Encoded:
        """Vectors of passages; tokens of title and headings stand at [0, 0) of the text."""
        heads = [
            self.fingerprint.passage_prefix
            + passage_head(passage.title, passage.heading_path, self.counter, self.card.max_tokens)
            for passage in passages
        ]
        return self._encode(heads, [passage.text for passage in passages])

    def _encode(self, heads: Sequence[str], texts: Sequence[str]) -> Encoded:
        inputs = [head + text for head, text in zip(heads, texts, strict=True)]
        ids, offsets = self._tokenizer.ids_and_offsets(inputs, self._room)
        template = self._tokenizer.single
        rows = [
            np.concatenate([template.prefix, text[: self._room], template.suffix]) for text in ids
        ]
        vectors = np.zeros((len(rows), self.fingerprint.dimensions), np.float32)
        tokens: dict[int, TokenVectors] = {}
        for batch in plan_batches([len(row) for row in rows], BATCH_TOKENS):
            for index, (vector, states) in zip(
                batch, run_halving(self._run, [rows[index] for index in batch]), strict=True
            ):
                vectors[index] = vector
                tokens[index] = states
        if self._matrix is None:
            return Encoded(vectors)
        own = [
            np.maximum(spans[: self._room] - len(head), 0)
            for spans, head in zip(offsets, heads, strict=True)
        ]
        return Encoded(vectors, [tokens[index] for index in range(len(rows))], own)

    def _run(self, rows: Sequence[Ids]) -> list[tuple[Vectors, TokenVectors]]:
        """One pass: a vector and, with a projection, the token vectors of each row."""
        device = self.card.device
        padded = pad(rows, self._tokenizer.padding_id).astype(np.int64)
        mask = pad([np.ones(len(row), np.int32) for row in rows], 0).astype(np.int64)
        features: dict[str, Any] = {
            "input_ids": torch.from_numpy(padded).to(device),
            "attention_mask": torch.from_numpy(mask).to(device),
        }
        with torch.inference_mode():
            output = self._model(features)
            vectors = output["sentence_embedding"].float().cpu().numpy()
            if self._matrix is None:
                return [(vector, np.zeros((0, 0), np.float16)) for vector in vectors]
            projected = output["token_embeddings"] @ self._matrix
            states = torch.nn.functional.normalize(projected.float(), dim=-1).half().cpu().numpy()
        start, behind = len(self._tokenizer.single.prefix), len(self._tokenizer.single.suffix)
        return [
            (vector, state[start : len(row) - behind])
            for vector, state, row in zip(vectors, states, rows, strict=True)
        ]


def load_torch_bi_encoder(folder: ModelFolder, settings: Settings, device: str) -> TorchBiEncoder:
    """Load a sentence-transformers model from its folder; raises ModelUnavailable."""
    precision, dtype = torch_precision(settings.precision, device)
    model = load_pretrained(SentenceTransformer, folder, device, dtype)
    recipe = read_recipe(folder)
    hidden = int(folder.json("config.json").get("hidden_size", 0))
    projection = load_projection(folder, settings.token_dimensions, hidden)
    card = ModelCard(
        name=folder.name,
        revision=folder.revision,
        runtime="torch",
        device=device,
        precision=precision,
        max_tokens=int(model.max_seq_length or _DEFAULT_MAX_TOKENS),
        languages=frozenset(settings.model_languages) or read_languages(folder),
    )
    fingerprint = EncoderFingerprint(
        model=folder.name,
        revision=folder.revision,
        dimensions=int(model.get_embedding_dimension() or hidden),
        pooling=recipe.pooling,
        normalised=recipe.normalised,
        query_prefix=recipe.query_prefix,
        passage_prefix=recipe.passage_prefix,
        token_dimensions=projection.matrix.shape[1] if projection else 0,
        token_projection=projection.digest if projection else "",
    )
    return TorchBiEncoder(model, ModelTokenizer(folder.path), card, fingerprint, projection)

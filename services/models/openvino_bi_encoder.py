"""Bi-encoders in OpenVINO."""

import threading
from collections.abc import Sequence

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from services.generations import EncoderFingerprint
from services.models.batching import plan_batches
from services.models.folder import Recipe
from services.models.inputs import passage_head
from services.models.projection import TokenProjection
from services.models.runtime import CompiledGraph, streams_of
from services.models.tokenizing import Ids, ModelTokenizer, pad
from services.ports.models import Encoded, ModelCard, Passage, Passes
from services.ports.vectors import TokenVectors

BATCH_TOKENS = 4_096

# As quick a token as passes of four times as many, and sooner over.
_PASS_TOKENS = 1_024

_NO_TOKENS: TokenVectors = np.zeros((0, 0), np.float16)


class OpenVinoBiEncoder:
    """Runs a graph whose outputs are vectors and, with a projection, token vectors.

    It is compiled twice: for queries, so that one is answered soonest, and, once there are
    some, for passages, so that most are done in a second. So neither waits for the other.
    """

    def __init__(
        self,
        model: ov.Model,
        tokenizer: ModelTokenizer,
        card: ModelCard,
        recipe: Recipe,
        projection: TokenProjection | None = None,
        threads: int = 0,
    ) -> None:
        """``card.max_tokens`` is where inputs are cut; ``threads`` 0 takes every core."""
        self.card = card
        self.counter = tokenizer
        self._tokenizer = tokenizer
        self.passes = Passes(streams_of(threads), _PASS_TOKENS)
        self._model = model
        self._threads = threads
        self._query_graph = CompiledGraph(model, card.precision, threads)
        self._compiled: CompiledGraph | None = None
        self._compiling = threading.Lock()
        self._room = card.max_tokens - tokenizer.single.overhead
        self.fingerprint = EncoderFingerprint(
            model=card.name,
            revision=card.revision,
            dimensions=model.outputs[0].get_partial_shape()[1].get_length(),
            pooling=recipe.pooling,
            normalised=recipe.normalised,
            query_prefix=recipe.query_prefix,
            passage_prefix=recipe.passage_prefix,
            token_dimensions=projection.matrix.shape[1] if projection else 0,
            token_projection=projection.digest if projection else "",
        )

    def encode_queries(self, queries: Sequence[str]) -> Encoded:
        """Vectors of queries; longer ones are cut at ``card.max_tokens``."""
        heads = [self.fingerprint.query_prefix] * len(queries)
        return self._encode(self._query_graph, heads, queries)

    def encode_passages(self, passages: Sequence[Passage]) -> Encoded:
        """Vectors of passages; tokens of title and headings stand at [0, 0) of the text."""
        prefix = self.fingerprint.passage_prefix
        heads = [
            prefix
            + passage_head(passage.title, passage.heading_path, self.counter, self.card.max_tokens)
            for passage in passages
        ]
        return self._encode(self._passage_graph, heads, [passage.text for passage in passages])

    @property
    def _passage_graph(self) -> CompiledGraph:
        with self._compiling:
            if self._compiled is None:
                self._compiled = CompiledGraph(
                    self._model, self.card.precision, self._threads, self.passes.at_once
                )
            return self._compiled

    def _encode(self, graph: CompiledGraph, heads: Sequence[str], texts: Sequence[str]) -> Encoded:
        if not texts:
            return Encoded(np.zeros((0, self.fingerprint.dimensions), np.float32))
        inputs = [head + text for head, text in zip(heads, texts, strict=True)]
        if not self.fingerprint.token_dimensions:
            ids = self._tokenizer.ids(inputs, self._room, remember=False)
            return Encoded(self._run(graph, ids)[0])
        ids, offsets = self._tokenizer.ids_and_offsets(inputs, self._room)
        vectors, tokens = self._run(graph, ids)
        own = [
            np.maximum(spans[: len(row)] - len(head), 0)
            for spans, row, head in zip(offsets, tokens, heads, strict=True)
        ]
        return Encoded(vectors, tokens, own)

    def _run(
        self, graph: CompiledGraph, ids: Sequence[Ids]
    ) -> tuple[NDArray[np.float32], list[TokenVectors]]:
        template = self._tokenizer.single
        rows = [
            np.concatenate([template.prefix, text[: self._room], template.suffix]) for text in ids
        ]
        vectors = np.empty((len(rows), self.fingerprint.dimensions), np.float32)
        tokens: list[TokenVectors] = [_NO_TOKENS] * len(rows)
        for batch in plan_batches([len(row) for row in rows], BATCH_TOKENS):
            outputs = graph.run(self._batch([rows[index] for index in batch]))
            vectors[batch] = outputs[0]
            if self.fingerprint.token_dimensions:
                for place, index in enumerate(batch):
                    start, end = len(template.prefix), len(rows[index]) - len(template.suffix)
                    tokens[index] = outputs[1][place, start:end].astype(np.float16)
        return vectors, tokens

    def _batch(self, rows: Sequence[Ids]) -> dict[str, NDArray[np.int32]]:
        padded = pad(rows, self._tokenizer.padding_id)
        return {
            "input_ids": padded,
            "attention_mask": pad([np.ones(len(row), np.int32) for row in rows], 0),
            "token_type_ids": np.zeros_like(padded),
        }

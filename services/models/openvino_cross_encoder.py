"""Cross-encoders in OpenVINO."""

from collections.abc import Sequence

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from services.models.batching import plan_batches
from services.models.pairs import PairTokenizer
from services.models.runtime import CompiledGraph
from services.models.tokenizing import ModelTokenizer
from services.ports.models import ModelCard, Passage, Scores

BATCH_TOKENS = 4_096


class OpenVinoCrossEncoder:
    """Runs a graph whose only output is one logit for each pair: [batch, 1]."""

    def __init__(
        self, model: ov.Model, tokenizer: ModelTokenizer, card: ModelCard, threads: int = 0
    ) -> None:
        """``card.max_tokens`` is where pairs are cut; ``threads`` 0 takes every core."""
        self.card = card
        self._graph = CompiledGraph(model, card.precision, threads)
        self._pairs = PairTokenizer(tokenizer, card.max_tokens)

    def count_tokens(self, pairs: Sequence[tuple[str, Passage]]) -> NDArray[np.int32]:
        """Input length of each pair in tokens, cut at ``card.max_tokens``."""
        return self._pairs.count(pairs)

    def score(self, pairs: Sequence[tuple[str, Passage]]) -> Scores:
        """Logits of one batch of pairs."""
        rows = self._pairs.join(pairs)
        logits = np.empty(len(rows), np.float32)
        for batch in plan_batches([len(row.ids) for row in rows], BATCH_TOKENS):
            inputs = self._pairs.batch([rows[index] for index in batch])
            logits[batch] = self._graph.run(inputs)[0][:, 0]
        return Scores(logits, np.array([row.cut for row in rows], np.bool_))

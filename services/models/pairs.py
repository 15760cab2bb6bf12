"""Pairs of a query and a passage as inputs of a cross-encoder."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.models.inputs import passage_input
from services.models.tokenizing import Ids, ModelTokenizer, PairLengths, pad, pair_lengths
from services.ports.models import Passage


@dataclass(frozen=True, slots=True)
class TokenizedPair:
    """One input: ids and segment types, special tokens included, and whether it was cut."""

    ids: Ids
    types: Ids
    cut: bool


class PairTokenizer:
    """Joins and cuts pairs as transformers does: the longer side loses tokens first."""

    def __init__(self, tokenizer: ModelTokenizer, max_tokens: int) -> None:
        """``max_tokens`` is the longest input, special tokens included."""
        self._tokenizer = tokenizer
        self._max_tokens = max_tokens

    def count(self, pairs: Sequence[tuple[str, Passage]]) -> NDArray[np.int32]:
        """Input length of each pair in tokens, after cutting."""
        overhead = self._tokenizer.pair.overhead
        kept = (self._kept(first, second) for first, second in self._sides(pairs))
        return np.array([overhead + sides.first + sides.second for sides in kept], np.int32)

    def join(self, pairs: Sequence[tuple[str, Passage]]) -> list[TokenizedPair]:
        """The inputs of pairs, in their order."""
        return [self._join(first, second) for first, second in self._sides(pairs)]

    def batch(self, rows: Sequence[TokenizedPair]) -> dict[str, NDArray[np.int32]]:
        """Inputs by name, [rows, longest], padded on the right."""
        return {
            "input_ids": pad([row.ids for row in rows], self._tokenizer.padding_id),
            "attention_mask": pad([np.ones(len(row.ids), np.int32) for row in rows], 0),
            "token_type_ids": pad([row.types for row in rows], 0),
        }

    def _sides(self, pairs: Sequence[tuple[str, Passage]]) -> list[tuple[Ids, Ids]]:
        limit = self._max_tokens
        queries = self._tokenizer.ids([query for query, _ in pairs], limit)
        texts = [passage_input(passage, self._tokenizer, limit) for _, passage in pairs]
        return list(zip(queries, self._tokenizer.ids(texts, limit), strict=True))

    def _kept(self, first: Ids, second: Ids) -> PairLengths:
        room = self._max_tokens - self._tokenizer.pair.overhead
        return pair_lengths(len(first), len(second), room)

    def _join(self, first: Ids, second: Ids) -> TokenizedPair:
        template = self._tokenizer.pair
        kept = self._kept(first, second)
        before = [template.prefix, first[: kept.first], template.middle]
        ids = np.concatenate([*before, second[: kept.second], template.suffix])
        types = np.zeros(len(ids), np.int32)
        types[sum(len(part) for part in before) :] = template.second_type
        return TokenizedPair(ids, types, kept.cut)

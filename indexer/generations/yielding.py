"""Embedding for a build: in small passes between searches while there are any."""

from collections.abc import Sequence

import numpy as np

from services.ports.models import BiEncoder, Embedder, Encoded, Passage
from services.usage import Usage

RECENT_S = 2.0
"""Searches are expected for so long after the last one."""

PASSAGES_A_PASS = 8
"""A search that comes meanwhile waits for a pass at most."""

PASSAGES_AT_ONCE = 64
"""Without searches: enough to fill the model's passes, few enough to notice one that comes."""

LONGEST_WAIT_S = 0.25
"""Where searches never end a build goes on after so long all the same."""


class YieldingEmbedder:
    """Implements Embedder over another one; queries go through untouched."""

    def __init__(self, inner: Embedder, usage: Usage) -> None:
        self._inner = inner
        self._usage = usage

    @property
    def encoder(self) -> BiEncoder:
        """The model behind it."""
        return self._inner.encoder

    async def embed_query(self, query: str) -> Encoded:
        """The vector of one query."""
        return await self._inner.embed_query(query)

    async def embed_passages(self, passages: Sequence[Passage]) -> Encoded:
        """The vectors of passages: all at once where nobody searches, else a few at a time."""
        # Texts of like length share a pass, as in one call for all of them.
        order = sorted(range(len(passages)), key=lambda index: len(passages[index].text))
        parts: list[Encoded] = []
        done = 0
        while done < len(order) or not parts:
            searched = self._usage.within(RECENT_S)
            size = PASSAGES_A_PASS if searched else PASSAGES_AT_ONCE
            taken = order[done : done + size]
            if searched:
                await self._usage.gap(LONGEST_WAIT_S)
            parts.append(await self._inner.embed_passages([passages[index] for index in taken]))
            done += len(taken)
            if not taken:
                break
        return _in_place(parts, order)

    async def close(self) -> None:
        """Nothing is held here."""


def _in_place(parts: Sequence[Encoded], order: Sequence[int]) -> Encoded:
    """Put the parts together in the order of the passages."""
    if len(parts) == 1 and not order:
        return parts[0]
    places = np.argsort(np.asarray(order))
    vectors = np.concatenate([part.vectors for part in parts])[places]
    tokens = [row for part in parts for row in part.tokens or ()]
    offsets = [row for part in parts for row in part.offsets or ()]
    if not tokens:
        return Encoded(vectors)
    return Encoded(vectors, [tokens[i] for i in places], [offsets[i] for i in places])

"""Query vectors that several processes share: what one has computed the others need not."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict

from services.models.embedder import InProcessEmbedder
from services.models.query_vectors import dump, load
from services.ports.cache import Cache
from services.ports.models import BiEncoder, Encoded, Passage

TTL_S = 7 * 86_400
"""Vectors do not age; the cache evicts what nobody asks for."""


class CachedEmbedder:
    """Implements Embedder: this process's memory first, then the cache, then the model."""

    def __init__(self, inner: InProcessEmbedder, cache: Cache) -> None:
        """``inner`` is closed with it; the cache is not."""
        self._inner = inner
        self._cache = cache
        self._fingerprint = inner.encoder.fingerprint
        self._sharing: set[asyncio.Task[None]] = set()
        self._prefix = "query:" + json.dumps(asdict(self._fingerprint), sort_keys=True)

    @property
    def encoder(self) -> BiEncoder:
        """The model behind it."""
        return self._inner.encoder

    async def embed_query(self, query: str) -> Encoded:
        """The vector of one query, [1, dimensions].

        Raises:
            Overloaded, BackendUnavailable: as the embedder in this process.
        """
        known = self._inner.recall(query)
        if known is not None:
            return known
        key = f"{self._prefix}\x1f{query}"
        raw = await self._cache.get(key)
        shared = None if raw is None else load(raw, self._fingerprint)
        if shared is not None:
            self._inner.remember(query, shared)
            return shared
        encoded = await self._inner.embed_query(query)
        self._share(key, encoded)
        return encoded

    async def embed_passages(self, passages: Sequence[Passage]) -> Encoded:
        """The vectors of passages, which are computed but once and not cached."""
        return await self._inner.embed_passages(passages)

    async def close(self) -> None:
        """Close the embedder, once what it computed is shared."""
        await asyncio.gather(*self._sharing, return_exceptions=True)
        await self._inner.close()

    def _share(self, key: str, encoded: Encoded) -> None:
        """Put a vector into the cache, which no search waits for."""
        task = asyncio.create_task(self._cache.set(key, dump(encoded), TTL_S))
        self._sharing.add(task)
        task.add_done_callback(self._sharing.discard)

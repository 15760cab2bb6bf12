"""The result cache of one process."""

import time
from collections import OrderedDict
from dataclasses import dataclass

_OVERHEAD_BYTES = 200


@dataclass(frozen=True, slots=True)
class _Entry:
    value: bytes
    expires_at: float
    size: int


class MemoryCache:
    """Keeps at most ``max_bytes``; the least recently used leaves first.

    Implements :class:`services.ports.cache.Cache`. A cache of 0 bytes keeps nothing.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    async def get(self, key: str) -> bytes | None:
        """The value, or None where it is absent or expired."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.expires_at <= time.monotonic():
            self._remove(key)
            return None
        self._entries.move_to_end(key)
        return entry.value

    async def set(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep a value for at most ``ttl_s`` seconds; one larger than the cache is left out."""
        self._remove(key)
        size = len(key.encode("utf-8", "surrogatepass")) + len(value) + _OVERHEAD_BYTES
        if size > self._max_bytes or ttl_s <= 0:
            return
        self._entries[key] = _Entry(value, time.monotonic() + ttl_s, size)
        self._bytes += size
        while self._bytes > self._max_bytes:
            self._remove(next(iter(self._entries)))

    async def ping(self) -> None:
        """It is always there."""

    async def close(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._bytes = 0

    def _remove(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry.size

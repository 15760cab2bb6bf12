"""A cache of bytes that may forget anything at any time."""

from typing import Protocol


class Cache(Protocol):
    """Keys to bytes with a time to live.

    A cache that is down behaves as an empty one, within its own small timeout: it never
    raises for a read or a write.
    """

    async def get(self, key: str) -> bytes | None:
        """The value, or None where it is absent, expired or out of reach."""

    async def set(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep a value for at most ``ttl_s`` seconds."""

    async def ping(self) -> None:
        """Raise BackendUnavailable where the cache does not answer."""

    async def close(self) -> None:
        """Release what is held."""

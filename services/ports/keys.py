"""Keys that were made while Winnow runs: who may ask, besides the two of the settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A bearer key as it is kept: the key itself is nowhere written.

    Attributes:
        id: names it where it is listed and revoked.
        name: for people: who has it.
        administers: it may do everything; else it may only search.
        digest: SHA-256 of the key, hexadecimal.
    """

    id: str
    name: str
    administers: bool
    digest: str
    created_at: datetime


class KeyStore(Protocol):
    """The keys; there are few, and they are read all at once."""

    async def add(self, key: StoredKey) -> None:
        """Keep a key; durable when it returns. AlreadyExists where its id is taken."""

    async def list(self) -> Sequence[StoredKey]:
        """Every key, the oldest first."""

    async def remove(self, identifier: str) -> None:
        """Forget a key, or NotFound."""

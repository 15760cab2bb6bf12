"""Keys made, listed and revoked; each of these is in the audit log, the keys themselves nowhere."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from indexer.generations.auditing import audited
from services.assembly import Services
from services.errors import InvalidInput, NotFound
from services.ports.keys import StoredKey

MAX_NAME = 100

_PREFIX = "wk_"
"""Lets scanners of repositories find a key that leaked."""


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A key at the only moment at which it is known.

    Attributes:
        secret: what requests carry.
    """

    stored: StoredKey
    secret: str


class KeyCabinet:
    """The keys of an installation, besides those of the settings."""

    def __init__(self, services: Services) -> None:
        self._store = services.ledger.keys
        self._audit = services.ledger.audit
        self._has_own = bool(services.settings.admin_key.get_secret_value())

    async def create(self, name: str, *, administers: bool, who: str) -> MadeKey:
        """Make a key.

        Args:
            name: for people: who has it.
            administers: it may do everything; else it may only search.

        Raises:
            InvalidInput: the name is no line of text, or nobody could administer any more.
        """
        async with audited(self._audit, who, "create-key", "") as action:
            name = name.strip()
            if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
                raise InvalidInput(f"A key's name has 1 to {MAX_NAME} printable characters.")
            if not administers and not self._administered(await self._store.list()):
                raise InvalidInput(
                    "With the first key, keys are demanded of everybody: make one that "
                    "administers before one that searches ('winnow keys create NAME --role admin')."
                )
            secret = _PREFIX + secrets.token_urlsafe(32)
            digest = hashlib.sha256(secret.encode()).hexdigest()
            stored = StoredKey(secrets.token_hex(4), name, administers, digest, datetime.now(UTC))
            await self._store.add(stored)
            action.detail = f"{stored.id}, {name}, {'admin' if administers else 'search'}"
            return MadeKey(stored, secret)

    async def list(self) -> Sequence[StoredKey]:
        """Every key, the oldest first."""
        return await self._store.list()

    async def revoke(self, identifier: str, who: str) -> StoredKey:
        """Let a key open nothing any more.

        Raises:
            NotFound: there is none of this id.
            InvalidInput: it is the last that administers, and others are left.
        """
        async with audited(self._audit, who, "revoke-key", "") as action:
            held = {key.id: key for key in await self._store.list()}
            key = held.pop(identifier, None)
            if key is None:
                raise NotFound(f"There is no key {identifier[:80]!r}: 'winnow keys list'.")
            action.detail = f"{key.id}, {key.name}"
            if held and not self._administered(list(held.values())):
                raise InvalidInput(
                    f"{key.id} is the last key that administers: make another first, or revoke "
                    "those that search before it."
                )
            await self._store.remove(identifier)
            return key

    def _administered(self, held: Sequence[StoredKey]) -> bool:
        return self._has_own or any(key.administers for key in held)

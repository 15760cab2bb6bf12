"""Who may ask: the two bearer keys of the settings, and those that were made since."""

import asyncio
import hashlib
import hmac
import ipaddress
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from services.errors import BackendUnavailable, Forbidden, InvalidInput, Unauthorized
from services.ports.keys import KeyStore, StoredKey
from services.settings import Settings

REFRESH_S = 2.0
"""A key that was made or revoked elsewhere counts after so long at most."""

SOONEST_S = 0.25
"""Whoever tries unknown keys makes nobody read the store more often than this."""

READ_TIMEOUT_S = 2.0


class Role(IntEnum):
    """What a caller may do; a higher role may all that a lower one may."""

    NOBODY = 0
    SEARCHER = 1
    ADMINISTRATOR = 2


@dataclass(frozen=True, slots=True)
class Keys:
    """The search key and the administration key, or neither.

    Attributes:
        search_digest, admin_digest: SHA-256 of the keys, empty without keys. Digests have
            one length, so comparing them tells nothing about a key's.
    """

    search_digest: bytes = b""
    admin_digest: bytes = b""

    @classmethod
    def from_settings(cls, settings: Settings) -> "Keys":
        """The keys of the settings; InvalidInput where one lacks the other."""
        search = settings.search_key.get_secret_value()
        admin = settings.admin_key.get_secret_value()
        if not search and not admin:
            return cls()
        if not search or not admin or search == admin:
            raise InvalidInput(
                "Set both WINNOW_SEARCH_KEY and WINNOW_ADMIN_KEY, to different values, or neither: "
                "the first may only search, the second may everything."
            )
        return cls(_digest(search), _digest(admin))

    @property
    def required(self) -> bool:
        """Whether there are keys at all."""
        return bool(self.admin_digest)

    def role(self, key: str) -> Role:
        """What the holder of a key may do; without keys everybody may everything."""
        if not self.required:
            return Role.ADMINISTRATOR
        given = _digest(key)
        if hmac.compare_digest(given, self.admin_digest):
            return Role.ADMINISTRATOR
        if hmac.compare_digest(given, self.search_digest):
            return Role.SEARCHER
        return Role.NOBODY


class KeyRing:
    """The keys of the settings and the stored ones, which are read again every few seconds.

    Once there was a key, one is demanded until the process ends: that the last was revoked
    must not open the door to everybody. While the store is away, what it said last holds.
    """

    def __init__(self, own: Keys, store: KeyStore) -> None:
        self._own = own
        self._store = store
        self._stored: Mapping[bytes, StoredKey] = {}
        self._known = False
        self._required = own.required
        self._read_s = float("-inf")
        self._reading = asyncio.Lock()

    @property
    def required(self) -> bool:
        """Whether there are keys at all, as far as is known by now."""
        return self._required

    async def refresh(self) -> None:
        """Read the store.

        Raises:
            BackendUnavailable: it does not answer; what it said last holds.
        """
        async with self._reading:
            await self._read()

    async def keep_fresh(self) -> None:
        """Read the store again and again, until cancelled."""
        while True:
            with suppress(BackendUnavailable):
                await self.refresh()
            await asyncio.sleep(REFRESH_S)

    async def role_of(self, key: str) -> Role:
        """What the holder of a key may do; a key that is not known is looked up once more.

        Raises:
            BackendUnavailable: nobody could say yet whether there are keys.
        """
        if not (self._known or self._own.required):
            await self._look()
        role = self._role(key)
        if role is Role.NOBODY and key:
            with suppress(BackendUnavailable):
                await self._look()
            role = self._role(key)
        return role

    async def may_search(self, key: str) -> bool:
        """Whether a key lets its holder search."""
        return await self.role_of(key) >= Role.SEARCHER

    def holder(self, key: str) -> str:
        """Who has a stored key, "" for any other."""
        stored = self._find(key)
        return "" if stored is None else f"{stored.name} ({stored.id})"

    def _role(self, key: str) -> Role:
        if not self._required:
            return Role.ADMINISTRATOR
        own = self._own.role(key) if self._own.required else Role.NOBODY
        stored = self._find(key)
        if stored is None:
            return own
        return max(own, Role.ADMINISTRATOR if stored.administers else Role.SEARCHER)

    def _find(self, key: str) -> StoredKey | None:
        # By digest: how long a comparison takes tells nothing about a key.
        return self._stored.get(_digest(key)) if key else None

    async def _look(self) -> None:
        """Read the store, unless that was done a moment ago."""
        async with self._reading:
            if not self._known or time.monotonic() - self._read_s >= SOONEST_S:
                await self._read()

    async def _read(self) -> None:
        self._read_s = time.monotonic()
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                held = await self._store.list()
        except TimeoutError:
            raise BackendUnavailable(
                "The ledger did not say in time which keys there are: try again in a moment."
            ) from None
        self._stored = {bytes.fromhex(key.digest): key for key in held}
        self._required = self._required or bool(held)
        self._known = True


class KeyCheck:
    """Raises Unauthorized or Forbidden where a request's bearer key does not suffice.

    Args:
        needed: the role that a request needs.
    """

    def __init__(self, app: ASGIApp, keys: KeyRing, needed: Callable[[Scope], Role]) -> None:
        self._app = app
        self._keys = keys
        self._needed = needed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and (needed := self._needed(scope)) is not Role.NOBODY:
            await self._check(scope, needed, Headers(scope=scope).get("authorization", ""))
        await self._app(scope, receive, send)

    async def _check(self, scope: Scope, needed: Role, authorization: str) -> None:
        scheme, _, given = authorization.partition(" ")
        key = given.strip() if scheme.lower() == "bearer" else ""
        role = await self._keys.role_of(key)
        if role is Role.NOBODY:
            raise Unauthorized("Send a key that this server knows: 'Authorization: Bearer <key>'.")
        if role < needed:
            raise Forbidden("A search key may only search: use an administration key.")
        if holder := self._keys.holder(key):
            scope.setdefault("state", {})[HOLDER] = holder


HOLDER = "key_holder"
"""Where a request's state names whose stored key it came with."""


def check_exposure(host: str, keys: Keys | KeyRing, *, open_to_all: bool) -> None:
    """Refuse to serve strangers by accident.

    Raises:
        InvalidInput: ``host`` is not loopback, there are no keys, and nobody said ``--open``.
    """
    if is_loopback(host) or keys.required or open_to_all:
        return
    raise InvalidInput(
        f"Without keys only this machine is served, not {host}: make one with 'winnow keys "
        "create', set WINNOW_SEARCH_KEY and WINNOW_ADMIN_KEY, or say --open to let everybody who "
        "reaches it read and write."
    )


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only mean this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.rstrip(".").lower() == "localhost"


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()

"""Who may ask: the two bearer keys of the settings."""

import hashlib
import hmac
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from services.errors import Forbidden, InvalidInput, Unauthorized
from services.settings import Settings


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

    def may_search(self, key: str) -> bool:
        """Whether a key lets its holder search."""
        return self.role(key) >= Role.SEARCHER


class KeyCheck:
    """Raises Unauthorized or Forbidden where a request's bearer key does not suffice.

    Args:
        needed: the role that a request needs.
    """

    def __init__(self, app: ASGIApp, keys: Keys, needed: Callable[[Scope], Role]) -> None:
        self._app = app
        self._keys = keys
        self._needed = needed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and self._keys.required:
            self._check(self._needed(scope), Headers(scope=scope).get("authorization", ""))
        await self._app(scope, receive, send)

    def _check(self, needed: Role, authorization: str) -> None:
        if needed is Role.NOBODY:
            return
        scheme, _, key = authorization.partition(" ")
        role = self._keys.role(key.strip()) if scheme.lower() == "bearer" else Role.NOBODY
        if role is Role.NOBODY:
            raise Unauthorized("Send a key that this server knows: 'Authorization: Bearer <key>'.")
        if role < needed:
            raise Forbidden("The search key may only search: use the administration key.")


def check_exposure(host: str, keys: Keys, *, open_to_all: bool) -> None:
    """Refuse to serve strangers by accident.

    Raises:
        InvalidInput: ``host`` is not loopback, there are no keys, and nobody said ``--open``.
    """
    if is_loopback(host) or keys.required or open_to_all:
        return
    raise InvalidInput(
        f"Without keys only this machine is served, not {host}: set WINNOW_SEARCH_KEY and "
        "WINNOW_ADMIN_KEY, or say --open to let everybody who reaches it read and write."
    )


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only mean this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.rstrip(".").lower() == "localhost"


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()

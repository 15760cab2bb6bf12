"""Pages of a frozen result list, and the opaque ``next`` that leads from one to another."""

import base64
import binascii
import hashlib
import uuid
from dataclasses import dataclass

from search_api.ranking import Ranking
from services.errors import InvalidInput, PageExpired
from services.ports.cache import Cache

_TAG_BYTES = 6


@dataclass(frozen=True, slots=True)
class Continuation:
    """Where the next page begins: a frozen list and how much of it was served."""

    search_id: str
    position: int

    def encode(self) -> str:
        """As URL-safe text."""
        body = f"{self.search_id}.{self.position}".encode()
        return base64.urlsafe_b64encode(_tag(body) + body).decode().rstrip("=")

    @staticmethod
    def decode(text: str) -> "Continuation":
        """Read ``next``; InvalidInput where no answer of ours can have held it."""
        try:
            raw = base64.b64decode(
                text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True
            )
            tag, body = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
            search_id, _, position = body.decode("ascii").partition(".")
            if tag != _tag(body) or uuid.UUID(hex=search_id).hex != search_id:
                raise ValueError(text)
            return Continuation(search_id, int(position))
        except (ValueError, UnicodeError, binascii.Error):
            raise InvalidInput(
                "'next' is not one that a search answered: pass it on unchanged, or search anew."
            ) from None


def _tag(body: bytes) -> bytes:
    """Tells a damaged token from an expired one; the random search id is the secret."""
    return hashlib.blake2b(body, digest_size=_TAG_BYTES, person=b"winnow-next").digest()


class RankingStore:
    """Keeps frozen lists for as long as their pages may be asked for."""

    def __init__(self, cache: Cache, ttl_s: float) -> None:
        self._cache = cache
        self._ttl_s = ttl_s

    async def keep(self, ranking: Ranking) -> None:
        """Freeze a list under its search id."""
        await self._cache.set(_key(ranking.head.search_id), ranking.encode(), self._ttl_s)

    async def find(self, search_id: str, collection: str, rights: str) -> Ranking:
        """The list, or PageExpired; another collection's or caller's looks the same."""
        raw = await self._cache.get(_key(search_id))
        ranking = None if raw is None else Ranking.decode(raw)
        if ranking is None or ranking.head.collection != collection or ranking.rights != rights:
            raise PageExpired("This result list has expired: search again for fresh results.")
        return ranking


def _key(search_id: str) -> str:
    return f"ranking:{search_id}"

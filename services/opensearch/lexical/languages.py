"""The languages that an index holds documents of."""

import time

from services.opensearch.client import OpenSearchClient
from services.opensearch.lexical.compiler import term
from services.opensearch.searching import search_one

_FRESH_S = 2.0
_ALL = 1_000


class PresentLanguages:
    """Which languages to search where a query names none.

    Known at once for what this process writes; what another process writes in a language
    that was not there before is found two seconds later.
    """

    def __init__(self, client: OpenSearchClient, alias: str) -> None:
        self._client = client
        self._alias = alias
        self._known: frozenset[str] = frozenset()
        self._asked_at_s = float("-inf")

    def add(self, languages: frozenset[str]) -> None:
        """Count languages as present that were just written."""
        self._known |= languages

    async def of(self, language: str) -> list[str]:
        """The given language where there are documents of it, or with "" every one present."""
        if time.monotonic() - self._asked_at_s > _FRESH_S:
            await self._look()
        return [known for known in sorted(self._known) if language in ("", known)]

    async def _look(self) -> None:
        began_s = time.monotonic()
        answer = await search_one(
            self._client,
            self._alias,
            {
                "size": 0,
                "query": term("live", value=True),
                "aggs": {"languages": {"terms": {"field": "language", "size": _ALL}}},
            },
        )
        buckets = answer["aggregations"]["languages"]["buckets"]
        self._known |= {str(bucket["key"]) for bucket in buckets}
        self._asked_at_s = began_s

"""The one door to an OpenSearch cluster: a connection pool, deadlines, errors translated."""

import asyncio
import logging
import random
from collections.abc import Mapping
from typing import Any

import orjson
from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import (
    ConnectionError as ConnectionFailed,
)
from opensearchpy.exceptions import (
    ConnectionTimeout,
    OpenSearchException,
    SerializationError,
    TransportError,
)
from opensearchpy.serializer import JSONSerializer

from services.breaker import Breaker, Unreachable
from services.errors import BackendUnavailable, DeadlineExceeded

Json = dict[str, Any]
Parameter = str | int | bool

READ_TIMEOUT_S = 10
WRITE_TIMEOUT_S = 60
_LOOK_S = 1
_CONNECTIONS = 32
# The vendor's client warns of every answer that is not 2xx, the expected 404 and 409 among
# them; what matters arrives as an error of ours.
logging.getLogger("opensearch").setLevel(logging.CRITICAL)

# A restarted node leaves dead connections behind, a busy one puts a request off: asking
# changes nothing, so it may be asked again, for as long as somebody waits.
_READ_ATTEMPTS = 5
_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 0.2


class _QuickJson(JSONSerializer):
    """The vendor's, but for reading: a search answers with some fifty kilobytes of rows."""

    def loads(self, s: str) -> Any:
        try:
            return orjson.loads(s)
        except orjson.JSONDecodeError as error:
            raise SerializationError(s, error) from error


class PutOff(BackendUnavailable):
    """The cluster, or what stands before it, has no time for the request (429, 502 to 504)."""


class Absent(BackendUnavailable):
    """The index or row is not there (404); who expects that catches it."""


class Conflict(BackendUnavailable):
    """The row is not as the caller last saw it (409); who expects that catches it."""


class Rejected(BackendUnavailable):
    """The cluster cannot make sense of the request (400)."""


class TooLargeForEngine(BackendUnavailable):
    """The body is over the cluster's limit (413); who can splits it."""


class OpenSearchClient:
    """Requests to one cluster, by way of a pool of connections that every adapter shares."""

    def __init__(self, url: str) -> None:
        """Prepare a pool for ``http(s)://[user:password@]host:port``; connects when needed."""
        self._client = AsyncOpenSearch(
            hosts=[url],
            maxsize=_CONNECTIONS,
            max_retries=0,
            retry_on_timeout=False,
            serializer=_QuickJson(),
        )
        self._breaker = Breaker("OpenSearch", lambda: self.send("GET", "/", None, _LOOK_S))
        self._closed = False

    async def read(self, path: str, body: object = None, **params: Parameter) -> Json:
        """Ask; again where the connection broke or the cluster put the question off.

        Raises:
            BackendUnavailable: as :meth:`send`, or at once while the cluster is silent.
        """
        return await self._breaker.call(lambda: self._read(path, body, params))

    async def _read(self, path: str, body: object, params: Mapping[str, Parameter]) -> Json:
        method = "GET" if body is None else "POST"
        for attempt in range(1, _READ_ATTEMPTS):
            try:
                return await self.send(method, path, body, READ_TIMEOUT_S, **params)
            except (Unreachable, PutOff):
                longest_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**attempt)
                await asyncio.sleep(random.uniform(longest_s / 2, longest_s))  # noqa: S311  # no secret
        return await self.send(method, path, body, READ_TIMEOUT_S, **params)

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        timeout_s: int = WRITE_TIMEOUT_S,
        **params: Parameter,
    ) -> Json:
        """One request and its answer.

        Args:
            path: begins with a slash, its parts percent-encoded.
            body: JSON, or bytes that are sent as they are (NDJSON).

        Raises:
            Absent, Conflict, Rejected, TooLargeForEngine: 404, 409, 400 and 413.
            PutOff: 429, 502, 503 or 504.
            DeadlineExceeded: no answer in ``timeout_s``.
            Unreachable: no connection, or one that broke.
            BackendUnavailable: anything else that went wrong.
        """
        if self._closed:
            raise BackendUnavailable("The connection to OpenSearch is closed; start Winnow again.")
        try:
            answer = await self._client.transport.perform_request(
                method,
                path,
                params=_encoded(params),
                body=body if isinstance(body, bytes) or body is None else orjson.dumps(body),
                timeout=timeout_s,
                headers={"content-type": "application/json"},
            )
        except OpenSearchException as error:
            raise _translated(error) from error
        return answer if isinstance(answer, dict) else {}

    async def ping(self) -> None:
        """Raise BackendUnavailable where the cluster does not answer."""
        await self.read("/")

    async def close(self) -> None:
        """Close every connection; a second time does no harm."""
        if not self._closed:
            self._closed = True
            await self._breaker.close()
            await self._client.close()


def whole(answer: Json) -> Json:
    """A search's answer if every shard gave its part in time, else BackendUnavailable."""
    shards = answer.get("_shards", {})
    if answer.get("timed_out"):
        raise DeadlineExceeded("OpenSearch gave up on a search at its time limit.")
    if shards.get("failed"):
        reasons = [str(failure.get("reason", ""))[:300] for failure in shards.get("failures", ())]
        raise BackendUnavailable(f"Shards of OpenSearch failed: {'; '.join(reasons[:3])}")
    return answer


def reason_of(error: object) -> str:
    """The engine's words for an error object, the innermost cause included."""
    if not isinstance(error, dict):
        return str(error)[:500]
    words = [str(error.get("reason", ""))]
    cause = error.get("caused_by")
    while isinstance(cause, dict):
        words.append(str(cause.get("reason", "")))
        cause = cause.get("caused_by")
    roots = error.get("root_cause") or ()
    words.extend(str(root.get("reason", "")) for root in roots if isinstance(root, dict))
    return ": ".join(dict.fromkeys(word for word in words if word))[:500] or str(error)[:500]


def _encoded(params: Mapping[str, Parameter]) -> dict[str, str]:
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in params.items()
    }


def _translated(error: OpenSearchException) -> BackendUnavailable:
    if isinstance(error, ConnectionTimeout):
        return DeadlineExceeded("OpenSearch did not answer in time.")
    if isinstance(error, ConnectionFailed):
        return Unreachable(
            f"OpenSearch cannot be reached ({error.error}). Start it, or mend "
            "WINNOW_OPENSEARCH_URL."
        )
    if not isinstance(error, TransportError):
        return BackendUnavailable(f"OpenSearch failed: {error}")
    info = error.info if isinstance(error.info, dict) else {}
    reason = reason_of(info.get("error", error.info or error.error))
    kinds = {400: Rejected, 404: Absent, 409: Conflict, 413: TooLargeForEngine}
    kind = kinds.get(error.status_code if isinstance(error.status_code, int) else 0)
    if kind is not None:
        return kind(reason)
    if error.status_code in (401, 403):
        return BackendUnavailable(
            "OpenSearch refuses this user: put user and password into WINNOW_OPENSEARCH_URL "
            f"(https://user:password@host:9200). It said: {reason}"
        )
    put_off = error.status_code in (429, 502, 503, 504)
    failed = PutOff if put_off else BackendUnavailable
    return failed(f"OpenSearch answered {error.status_code}: {reason}")

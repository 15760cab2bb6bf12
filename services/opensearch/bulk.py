"""Bulk writes with a result for each item, whatever happens to the others."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson

from services.errors import BackendUnavailable
from services.opensearch.client import (
    WRITE_TIMEOUT_S,
    Absent,
    Json,
    OpenSearchClient,
    Rejected,
    TooLargeForEngine,
    reason_of,
)

MAX_BODY_BYTES = 8 * 2**20
MAX_ITEMS = 2_000
ATTEMPTS = 6
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 3.0
LONGEST_RETRY_S = int(ATTEMPTS * (WRITE_TIMEOUT_S + _LONGEST_PAUSE_S))
"""Seconds after which no attempt of a write can still be under way."""

_PASSING = frozenset({429, 500, 502, 503, 504})
_FORBIDDEN = frozenset({401, 403})


class _Barred(BackendUnavailable):
    """The index takes no writes of this user; another attempt would meet the same."""


@dataclass(frozen=True, slots=True)
class Action:
    """One line or two of a bulk body.

    Attributes:
        verb: index, create, update or delete.
        row: the ``_id``.
        options: ``version``, ``if_seq_no`` and their like.
        source: the row, the partial update, or None for a deletion.
    """

    verb: str
    row: str
    options: dict[str, object]
    source: object = None

    def encoded(self) -> bytes:
        """The action as NDJSON."""
        head = orjson.dumps({self.verb: {"_id": self.row, **self.options}})
        if self.source is None:
            return head + b"\n"
        return b"\n".join((head, orjson.dumps(self.source), b""))


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an action: the HTTP status of its item, and the reason of a failure."""

    status: int
    reason: str = ""

    @property
    def done(self) -> bool:
        """Whether it was carried out."""
        return self.status < 300

    @property
    def conflict(self) -> bool:
        """Whether the row was not as expected: a newer version is there, or another writer was."""
        return self.status == 409


@dataclass(frozen=True, slots=True)
class _Target:
    client: OpenSearchClient
    alias: str
    refresh: str

    async def send(self, body: bytes) -> Json:
        path = f"/{self.alias}/_bulk"
        return await self.client.send("POST", path, body, require_alias=True, refresh=self.refresh)


async def bulk(
    client: OpenSearchClient, alias: str, actions: Sequence[Action], *, wait: bool = False
) -> Sequence[Result]:
    """Carry out actions, results in their order; failures that may pass are tried again alone.

    Args:
        wait: return when searches see the rows: at the engine's next refresh.

    Raises:
        BackendUnavailable: an item still met 429 or 5xx at the last attempt, the index takes
            no writes, or the alias is gone.
    """
    encoded = [action.encoded() for action in actions]
    results: dict[int, Result] = {}
    target = _Target(client, alias, "wait_for" if wait else "false")
    for batch in _batches(encoded):
        await _settle(target, encoded, batch, results)
    return [results[place] for place in range(len(actions))]


async def _settle(
    target: _Target, encoded: Sequence[bytes], places: Sequence[int], results: dict[int, Result]
) -> None:
    waiting = list(places)
    for attempt in range(ATTEMPTS):
        if attempt:
            await asyncio.sleep(_pause_s(attempt))
        try:
            found = await _send(target, encoded, waiting)
        except (Absent, Rejected, _Barred):
            raise
        except BackendUnavailable:
            if attempt + 1 == ATTEMPTS:
                raise
            continue
        results.update(found)
        waiting = [place for place in waiting if results[place].status in _PASSING]
        if not waiting:
            return
    raise BackendUnavailable(
        f"OpenSearch put {len(waiting)} rows off {ATTEMPTS} times: {results[waiting[0]].reason}"
    )


async def _send(
    target: _Target, encoded: Sequence[bytes], places: Sequence[int]
) -> dict[int, Result]:
    body = b"".join(encoded[place] for place in places)
    try:
        answer = await target.send(body)
    except TooLargeForEngine as error:
        if len(places) == 1:
            return {places[0]: Result(413, f"The row is too large for the cluster: {error}")}
        middle = len(places) // 2
        first = await _send(target, encoded, places[:middle])
        return first | await _send(target, encoded, places[middle:])
    items = (next(iter(item.values())) for item in answer["items"])
    return {place: _result(item) for place, item in zip(places, items, strict=True)}


def _result(item: dict[str, object]) -> Result:
    status = int(str(item["status"]))
    error = item.get("error")
    if status in _FORBIDDEN:
        # A block on the index or a missing right: no fault of the row's.
        raise _Barred(f"OpenSearch takes no writes: {reason_of(error)}")
    if isinstance(error, dict) and error.get("type") == "index_not_found_exception":
        raise Absent(
            "An index of OpenSearch is gone: somebody removed it or its alias. 'winnow admin "
            "reindex' builds it again from the ledger."
        )
    return Result(status, reason_of(error) if error else "")


def _batches(encoded: Sequence[bytes]) -> Iterator[list[int]]:
    batch: list[int] = []
    size = 0
    for place, action in enumerate(encoded):
        if batch and (size + len(action) > MAX_BODY_BYTES or len(batch) == MAX_ITEMS):
            yield batch
            batch, size = [], 0
        batch.append(place)
        size += len(action)
    if batch:
        yield batch


def _pause_s(attempt: int) -> float:
    longest = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** (attempt - 1))
    return random.uniform(longest / 2, longest)  # noqa: S311  # spreads writers, no secret

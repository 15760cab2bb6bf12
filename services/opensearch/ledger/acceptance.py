"""Taking writes into the ledger: versions by compare-and-set, document by document."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from services.errors import BackendUnavailable
from services.opensearch.bulk import Action, Result
from services.opensearch.client import Json
from services.opensearch.ledger import rows
from services.opensearch.ledger.documents_index import DocumentsIndex, Row
from services.opensearch.ledger.registry import pause_s
from services.ports.ledger import Accepted, Write

_ATTEMPTS = 40
_COMPARED = ("version", "deleted", "hash", "change")


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the writes of one document come to, against the row that was read."""

    accepted: Sequence[Accepted]
    action: Action | None
    content: Json


class Acceptance:
    """One batch of writes.

    Everything is encoded before anything is sent, so a write that cannot be stored leaves
    nothing of its batch behind. A crash can: what was stored of an unacknowledged batch
    stays, and the same batch again finds it there.
    """

    def __init__(self, documents: DocumentsIndex, alias: str, writes: Sequence[Write]) -> None:
        self._documents = documents
        self._alias = alias
        self._writes = writes
        self._change = time.time_ns() // 1_000
        now = datetime.now(UTC)
        self._contents = [rows.content(write.document_id, write.document, now) for write in writes]
        self._accepted: dict[int, Accepted] = {}

    async def run(self) -> Sequence[Accepted]:
        """Store what changes; the outcomes in the order of the writes."""
        waiting: dict[str, list[int]] = {}
        for place, write in enumerate(self._writes):
            waiting.setdefault(write.document_id, []).append(place)
        tried: dict[str, _Plan] = {}
        for attempt in range(_ATTEMPTS):
            held = await self._documents.rows(self._alias, list(waiting), _COMPARED)
            plans = {name: self._plan(name, waiting[name], held, tried) for name in waiting}
            lost = await self._carry_out(plans)
            for name in waiting.keys() - lost:
                self._accepted.update(zip(waiting[name], plans[name].accepted, strict=True))
            waiting = {name: waiting[name] for name in waiting if name in lost}
            tried |= {name: plans[name] for name in lost}
            if not waiting:
                return [self._accepted[place] for place in range(len(self._writes))]
            await asyncio.sleep(pause_s(attempt))
        raise BackendUnavailable("Too many writers change the same documents at once; try again.")

    async def _carry_out(self, plans: Mapping[str, _Plan]) -> set[str]:
        """Send what there is to write; returns the documents that another writer changed."""
        actions = {name: plan.action for name, plan in plans.items() if plan.action is not None}
        results = await self._documents.write(self._alias, list(actions.values()))
        for result in results:
            check(result)
        return {name for name, result in zip(actions, results, strict=True) if result.conflict}

    def _plan(
        self, name: str, places: Sequence[int], held: Mapping[str, Row], tried: Mapping[str, _Plan]
    ) -> _Plan:
        row = held.get(name)
        if row is not None and name in tried and _stored(row, tried[name].content):
            return _Plan(tried[name].accepted, None, {})  # it was stored, only its answer was lost
        version, state = _standing(row)
        accepted: list[Accepted] = []
        last: Json | None = None
        for place in places:
            content = self._contents[place]
            changed = (content["deleted"], content["hash"]) != state
            if changed:
                version, state = version + 1, (content["deleted"], content["hash"])
                last = rows.unsettled(content, version, self._change + place)
            accepted.append(Accepted(name, version, changed))
        if last is None:
            return _Plan(accepted, None, {})
        return _Plan(accepted, replacement(name, row, last), last)


def _standing(row: Row | None) -> tuple[int, tuple[bool, str]]:
    """Version, and whether it is deleted with its hash; nothing there counts as deleted."""
    if row is None:
        return 0, (True, "")
    return row.source["version"], (row.source["deleted"], row.source["hash"])


def _stored(row: Row, content: Json) -> bool:
    return all(row.source[name] == content[name] for name in _COMPARED)


def replacement(name: str, row: Row | None, stored: Json) -> Action:
    """What puts a whole row where this one, or none, was seen."""
    verb, options = ("create", {}) if row is None else ("index", row.seen)
    return Action(verb, name, options, stored)


def check(result: Result) -> None:
    """Raise BackendUnavailable where a row could neither be written nor was changed meanwhile."""
    if not result.done and not result.conflict:
        raise BackendUnavailable(f"OpenSearch cannot store a document: {result.reason}")

"""The process is killed at each of its steps, twenty times each: nothing acknowledged is lost."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from indexer.reconciliation import reconcile
from indexer.service import Indexer
from services.assembly import open_services
from tests.conftest import REPOSITORY, winnow_in
from tests.indexer.stacks import check_congruent, state_of
from tests.ingestion.stack import Stack

pytestmark = pytest.mark.servers

KILLS = 20
# Each has a collection of its own: they wait for dead leases at the same time.
LINES = 4
IN_PROCESS = ("accepted", "cut", "embedded", "lexical", "vectors", "marked")
BY_WORKERS = ("accepted", "handed-out", "marked")
LEASE_MS = "400"
ATTEMPTS = 5


@dataclass
class Line:
    """Children of one collection, and every text that each document may have by now."""

    process: subprocess.Popen[str]
    collection: str
    children: int = 0
    killed: int = 0
    possible: dict[str, set[str | None]] = field(default_factory=dict)

    def kill_at(self, step: str, count: int) -> None:
        """Have a child die there; one that a backend failed under has not come so far."""
        for _ in range(ATTEMPTS):
            if self._died_at(step, count):
                self.killed += 1
                return

    def _died_at(self, step: str, count: int) -> bool:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.children += 1
        self.process.stdin.write(f"{step} {count} {self.children}\n")
        self.process.stdin.flush()
        died, events = json.loads(self.process.stdout.readline())
        for what, operation in events:
            self._note(what, operation)
        return bool(died)

    def _note(self, what: str, operation: Mapping[str, str | None]) -> None:
        """An operation that was begun may have happened; once acknowledged it has."""
        for document, text in operation.items():
            if what == "done":
                self.possible[document] = {text}
            else:
                self.possible.setdefault(document, {None}).add(text)


async def _killed(lines: Sequence[Line], steps: Sequence[str]) -> None:
    """At each step twenty times, at its first occurrence and at its second."""
    for step in steps:
        before = sum(line.killed for line in lines)
        for turn in range(KILLS // LINES):
            await asyncio.gather(
                *(asyncio.to_thread(line.kill_at, step, 1 + turn % 2) for line in lines)
            )
        assert sum(line.killed for line in lines) == before + KILLS, step


async def _check(stack: Stack, lines: Sequence[Line]) -> None:
    """Ledger and engines agree, hold what was acknowledged, and need no repair twice."""
    async with open_services(stack.settings) as services:
        indexer = Indexer(services)
        for line in lines:
            await indexer.index_pending(line.collection)
            state = await state_of(services, line.collection)
            check_congruent(state)
            records = await services.ledger.documents.read(line.collection, list(line.possible))
            for document, allowed in line.possible.items():
                record = records.get(document)
                assert (record.document.text if record and record.document else None) in allowed
            await reconcile(services, line.collection)
            await indexer.index_pending(line.collection)
            assert not (await reconcile(services, line.collection)).wrote
            assert not await indexer.dead_letters(line.collection)
        await indexer.close()


def _lines(stack: Stack) -> list[Line]:
    (stack.folder / "mortal").mkdir()
    command = winnow_in(stack.folder / "mortal")
    environment = command.environment | stack.environment | {"WINNOW_INDEX_LEASE_MS": LEASE_MS}
    lines = []
    for number in range(LINES):
        name = f"harbour-{number}"
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.ingestion.mortal", name],
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        stack.opened.callback(process.communicate)
        stack.opened.callback(process.kill)
        lines.append(Line(process, name))
    return lines


@pytest.mark.timeout(900)
@pytest.mark.slow
async def test_the_process_that_indexes_is_killed_at_every_step(stack: Stack) -> None:
    """No worker lives: the pipeline runs in the process itself."""
    lines = _lines(stack)
    await _killed(lines, IN_PROCESS)
    await _check(stack, lines)


@pytest.mark.timeout(900)
@pytest.mark.slow
async def test_the_process_that_hands_out_is_killed_at_every_step(stack: Stack) -> None:
    """The worker lives; what it was given by the dead is not lost and not written twice."""
    stack.started()
    lines = _lines(stack)
    await _killed(lines, BY_WORKERS)
    await _check(stack, lines)

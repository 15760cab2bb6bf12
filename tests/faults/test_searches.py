"""Every part of the server stack, broken in every way, while searches are asked.

Each search is answered within its deadline and a moment, says what it lacked and nothing
else, and ten seconds after the repair nothing is missing, without a restart.
"""

import asyncio
import os
from collections.abc import Iterator, Mapping

import pytest

from tests.faults.parts import Fault
from tests.faults.stack import DEADLINE_S, Answered, Api, Stack, api, server_stack
from tests.servers.opensearch import CannotStart

pytestmark = [
    pytest.mark.servers,
    pytest.mark.slow,
    # Connections are cut here on purpose, and some are let go of with the loop that had them.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

GRACE_S = 0.2
REPAIR_S = 10.0

IN_A_ROW = 4
AT_ONCE = 4

_NO_RERANKING = frozenset(
    {"reranker_unavailable", "reranker_overloaded", "rerank_deadline", "rerank_budget"}
)
EXPLAINED: Mapping[str, frozenset[str]] = {
    "opensearch": frozenset(
        {
            *("ledger_unavailable", "lexical_unavailable", "lexical_timeout"),
            *("totals_unavailable", "passages_unavailable"),
        }
    ),
    "qdrant": frozenset({"vector_unavailable", "vector_timeout", "late_interaction_unavailable"}),
    "cache": frozenset(),
    "broker": _NO_RERANKING,
    "worker": _NO_RERANKING,
}
"""The reasons that an answer may give while a part is in trouble."""

GONE = frozenset({Fault.KILLED, Fault.STOPPED, Fault.RESET})
"""Faults under which a part gives nothing at all."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """All servers, for the whole module."""
    try:
        with server_stack(tmp_path_factory.mktemp("stack")) as stack:
            yield stack
    except CannotStart as error:
        pytest.fail(str(error), pytrace=False)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("name", EXPLAINED)
async def test_searches_are_answered(stack: Stack, name: str, fault: Fault) -> None:
    """In time, with the right reasons; and as before soon after the repair."""
    part = stack.parts[name]
    async with api(stack.settings) as asked:
        await asked.until_normal(REPAIR_S)
        part.break_by(fault)
        try:
            answers = await ask(asked)
        finally:
            await asyncio.to_thread(part.mend)
        await asked.until_normal(REPAIR_S)
    besieged = is_besieged()
    for answer in answers:
        if answer.status == 503 and besieged:
            continue
        assert answer.status == 200, answer
        assert answer.took_s < DEADLINE_S + GRACE_S + answer.stalled_s, answer
        assert answer.degraded <= EXPLAINED[name] or besieged, answer
        if fault in GONE and EXPLAINED[name]:
            assert answer.degraded, answer


def is_besieged() -> bool:
    """Whether more processes want to run than this machine has processors for, twice over.

    Parts that nobody broke are late too then, and what an answer lacks says nothing.
    """
    return os.getloadavg()[0] > 2 * (os.cpu_count() or 1)


async def ask(asked: Api) -> list[Answered]:
    """Searches one after another, then several at once."""
    answers = [await asked.search() for _ in range(IN_A_ROW)]
    return answers + await asyncio.gather(*(asked.search() for _ in range(AT_ONCE)))


@pytest.mark.timeout(180)
@pytest.mark.parametrize("fault", [Fault.KILLED, Fault.STOPPED, Fault.RESET])
async def test_without_both_legs_the_answer_is_503(stack: Stack, fault: Fault) -> None:
    """In time, with Retry-After; and as before soon after the repair."""
    lost = [stack.parts["opensearch"], stack.parts["qdrant"]]
    async with api(stack.settings) as asked:
        await asked.until_normal(REPAIR_S)
        for part in lost:
            part.break_by(fault)
        try:
            answers = await ask(asked)
        finally:
            for part in lost:
                await asyncio.to_thread(part.mend)
        await asked.until_normal(REPAIR_S)
    for answer in answers:
        assert answer.status == 503, answer
        assert answer.retry_after is not None
        assert int(answer.retry_after) >= 1
        assert answer.took_s < DEADLINE_S + GRACE_S + answer.stalled_s, answer

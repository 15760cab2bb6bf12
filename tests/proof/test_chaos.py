"""Builders and writers are killed at every named fault point while queries run over HTTP."""

import os
import time
from pathlib import Path

import pytest

from tests.proof.api import api
from tests.proof.chaos import Asking, Builder, Operator, Writer, threads
from tests.proof.host import Host
from tests.proof.lying import in_background
from tests.proof.taps import POINTS
from tests.proof.test_servers import on_servers
from tests.servers.qdrant_wire import qdrant_wire

ELSEWHERE = ("collections.create", "collections.put_generation", "documents.unmark",
             "documents.supersede", "documents.accept", ".drop", "forget_generation",
             "accepted")  # fmt: skip
"""Points that a builder does not pass: the writer's, and those of other commands."""

BUILDING = sorted(point for point in POINTS if not point.endswith(ELSEWHERE))
EVERY = int(os.environ.get("WINNOW_CHAOS_EVERY", "3"))
"""One in so many points; 1 for all."""

MOST_S = 600.0


@pytest.mark.servers
@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_deaths_while_queries_run(opensearch_url: str, tmp_path: Path) -> None:
    """No 5xx, no empty answer, none of two generations; nothing lost, and a clean end."""
    with in_background(qdrant_wire()) as port:
        settings = on_servers(tmp_path, opensearch_url, port)
        with api(settings) as url:
            asking = Asking(url)
            operator, writer = Operator(settings, asking), Writer(settings, seed=7)
            builder = Builder(settings, BUILDING[::EVERY])
            operator.open()
            until_s = time.monotonic() + MOST_S
            try:
                with threads(asking, writer):
                    # The last builder lives, so that a switch is among what is seen.
                    while not (builder.done and operator.switches) and time.monotonic() < until_s:
                        builder.tend()
                        operator.tend()
                        time.sleep(0.1)
                        if asking.faults or writer.faults:
                            break
            finally:
                builder.close()
                operator.close()
            assert not asking.faults, asking.faults
            assert not writer.faults, writer.faults
            check_end(settings, writer)
        assert asking.answers > 3 * len(BUILDING[::EVERY])
        assert builder.died, "Nobody died."
        assert writer.kills, "No writer died."
        assert operator.switches, "Nothing was switched."


def check_end(settings: dict[str, object], writer: Writer) -> None:
    """Everything indexed and repaired: the ledger, both engines and the dictionary agree."""
    host = Host(settings)
    host.start()
    try:
        assert host("drain") is None
        repairs, clean = host("reconcile")
        assert clean
        assert not host("reconcile")[0], f"A second reconciliation writes; the first: {repairs}."
        for generation, discrepancies, pending in host("verify"):
            assert not discrepancies, f"{generation} has {discrepancies} discrepancies."
            assert not pending
        writer.check(host("documents"))
    finally:
        host.kill()

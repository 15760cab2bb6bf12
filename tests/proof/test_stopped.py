"""A builder is stopped at a fault point, another takes over, and the first goes on late."""

import signal
import time
from pathlib import Path

import pytest

from tests.proof.host import Host, Refused
from tests.proof.lying import in_background
from tests.proof.proof import text_of
from tests.proof.test_servers import on_servers
from tests.servers.qdrant_wire import qdrant_wire

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]

LEASE_MS = 1_000
PATIENCE_S = 60.0

LATE = {"LeaseLost", "AlreadyExists", "NotFound", "InvalidInput"}
"""What one that goes on late may be told."""


def until_stopped(host: Host) -> None:
    """Return once a process stands still."""
    ends_s = time.monotonic() + PATIENCE_S
    while not host.stopped:
        assert time.monotonic() < ends_s, "It never came by the point."
        time.sleep(0.01)


@pytest.mark.parametrize(
    "point",
    [
        "before lexical.index.write",
        "after vectors.index.write",
        "before ledger.documents.mark",
        "before ledger.collections.change_generation",
        "before ledger.collections.activate",
    ],
)
def test_who_wakes_up_late_damages_nothing(opensearch_url: str, tmp_path: Path, point: str) -> None:
    """Documents changed, deleted and written since stay so, and the switch back stays too."""
    with in_background(qdrant_wire()) as port:
        settings = on_servers(tmp_path, opensearch_url, port) | {"index_lease_ms": LEASE_MS}
        first, second = Host(settings), Host(settings)
        try:
            first.start()
            texts = {f"document-{number}": text_of("harbour", number, 3) for number in range(12)}
            for command, arguments in (
                ("create", {}),
                ("put", {"documents": texts}),
                ("drain", {}),
            ):
                assert first(command, **arguments) is None
            ((before, _, _),) = first("generations")
            built = first("reindex", model="hashing-64-7", chunk_tokens=8, activate=True)
            first("arm", point=point, count=1, number=signal.SIGSTOP)
            first.send("drain")
            until_stopped(first)

            second.start()
            changed = {f"document-{number}": text_of("orchard", number, 1) for number in (0, 1, 12)}
            assert second("put", documents=changed) is None
            assert second("delete", ids=["document-2", "document-3"]) is None
            assert second("drain") is None
            assert (built, "live") in {(key, state) for key, state, _ in second("generations")}
            assert second("rollback") == before
            latest = {"document-1": text_of("glacier", 1, 2)}
            assert second("put", documents=latest) is None
            assert second("drain") is None

            first.go_on()
            told = first.receive()
            assert told is None or (isinstance(told, Refused) and told.kind in LATE), told
            assert second("drain") is None
            states = {key: state for key, state, _ in second("generations")}
            assert states == {before: "live", built: "retired"}
            for generation, discrepancies, pending in second("verify"):
                assert (discrepancies, pending) == (0, 0), generation
            deleted = {"document-2", "document-3"}
            kept = {key: text for key, text in texts.items() if key not in deleted}
            assert second("documents") == kept | changed | latest
        finally:
            first.kill()
            second.kill()

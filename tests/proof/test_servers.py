"""The server stack under hundreds of steps, and faults planted in what its servers say."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from qdrant_client import grpc as wire

from services.opensearch.indexes import Layout
from tests.opensearch.faulty_node import Fault, faulty_node
from tests.proof.host import COLLECTION
from tests.proof.lying import Unfinished, bulk_fault, in_background
from tests.proof.machine import Machine, embedded
from tests.proof.proof import Proof
from tests.proof.test_planted import scenario
from tests.servers.qdrant_wire import Trouble, qdrant_wire

EXAMPLES = max(1, int(os.environ.get("WINNOW_PROOF_EXAMPLES", "24")) // 6)

pytestmark = pytest.mark.servers


def on_servers(folder: Path, opensearch_url: str, qdrant_port: int) -> dict[str, Any]:
    """Settings of the server stack, with a prefix of its own."""
    prefix = f"proof-{uuid.uuid4().hex[:8]}"
    return embedded(folder) | {
        "opensearch_url": opensearch_url,
        "opensearch_prefix": prefix,
        "qdrant_url": f"http://127.0.0.1:{qdrant_port}",
        "qdrant_grpc_port": qdrant_port,
        "qdrant_prefix": prefix,
    }


class ServerMachine(Machine):
    """On the run's servers."""

    stack: ClassVar[dict[str, Any]] = {}

    def make(self) -> Proof:
        """Under a prefix of its own."""
        prefix = f"proof-{uuid.uuid4().hex[:8]}"
        return Proof(self.stack | {"opensearch_prefix": prefix, "qdrant_prefix": prefix})


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_the_server_stack_loses_nothing_and_never_lies(opensearch_url: str, tmp_path: Path) -> None:
    """The same steps as the embedded one, hundreds of them."""
    with in_background(qdrant_wire()) as port:
        ServerMachine.stack = on_servers(tmp_path, opensearch_url, port)
        run_state_machine_as_test(
            ServerMachine,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=40,
                deadline=None,
                derandomize="WINNOW_PROOF_EXAMPLES" not in os.environ,
                suppress_health_check=list(HealthCheck),
                phases=(Phase.generate,),
            ),
        )
    assert Machine.counted["steps"] > 15 * EXAMPLES


@contextmanager
def begun(
    folder: Path, opensearch_url: str, fault: Fault | None, trouble: Trouble | None
) -> Iterator[Proof]:
    """A server stack on which one write goes wrong."""
    with (
        in_background(faulty_node(opensearch_url)) as node,
        in_background(qdrant_wire(trouble=trouble)) as port,
    ):
        stack = on_servers(folder, node.url, port)
        proof = Proof(stack)
        proof.begin()
        if fault is not None:
            (live,) = proof.model.live
            # The text index's bulks alone: its alias ends in a digest of the name.
            alias = Layout(stack["opensearch_prefix"]).alias("lexical", f"{COLLECTION}--{live}")
            node.faults.append(replace(fault, path=f"/{alias}/_bulk"))
        try:
            yield proof
        finally:
            proof.close()
        assert not node.faults, "The fault was never met."


def test_an_item_of_a_bulk_that_is_put_off_is_sent_again(
    opensearch_url: str, tmp_path: Path
) -> None:
    """Its error is read: nothing is missing."""
    with begun(tmp_path, opensearch_url, bulk_fault(hidden=False), None) as proof:
        scenario(proof)


def test_item_errors_of_a_bulk_that_are_ignored_are_caught(
    opensearch_url: str, tmp_path: Path
) -> None:
    """What was never written is missed."""
    with (
        begun(tmp_path, opensearch_url, bulk_fault(hidden=True), None) as proof,
        pytest.raises(AssertionError, match=r"lack in the answer|discrepancies|lost"),
    ):
        scenario(proof)


def test_a_write_that_qdrant_has_not_finished_is_sent_again(
    opensearch_url: str, tmp_path: Path
) -> None:
    """``acknowledged`` is not ``completed``."""
    trouble = Unfinished(wire.UpdateStatus.Acknowledged)
    with begun(tmp_path, opensearch_url, None, trouble) as proof:
        proof.outages.append("BackendUnavailable")
        scenario(proof)
        assert not proof.outages, "Nobody noticed that the write was not finished."


def test_an_unfinished_wait_that_is_accepted_is_caught(opensearch_url: str, tmp_path: Path) -> None:
    """What was taken for written is not found by its meaning."""
    trouble = Unfinished(wire.UpdateStatus.Completed)
    with (
        begun(tmp_path, opensearch_url, None, trouble) as proof,
        pytest.raises(AssertionError, match=r"not found by its own text|discrepancies"),
    ):
        scenario(proof)

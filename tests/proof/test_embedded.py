"""The embedded stack under thousands of steps that Hypothesis chooses."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.proof.machine import Machine, embedded
from tests.proof.proof import Proof

EXAMPLES = int(os.environ.get("WINNOW_PROOF_EXAMPLES", "24"))
"""Of 50 steps each. More than the default are chosen anew each time."""


class EmbeddedMachine(Machine):
    """On a data directory of its own."""

    def make(self) -> Proof:
        """In an empty folder."""
        self._folder = Path(tempfile.mkdtemp(prefix="winnow-proof-"))
        return Proof(embedded(self._folder))

    def discard(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self._folder, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_whatever_is_done_in_whatever_order_nothing_is_lost_and_nothing_lies() -> None:
    """Thousands of writes, searches, builds, switches, repairs and kills, beside a dictionary."""
    run_state_machine_as_test(
        EmbeddedMachine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=50,
            deadline=None,
            derandomize="WINNOW_PROOF_EXAMPLES" not in os.environ,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink),
        ),
    )
    assert Machine.counted["steps"] > 20 * EXAMPLES
    assert Machine.counted["kills"] > EXAMPLES

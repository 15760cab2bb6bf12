"""A process dies at every named fault point, one after the other."""

from pathlib import Path

import pytest

from tests.proof.host import Killed
from tests.proof.machine import embedded
from tests.proof.proof import Proof
from tests.proof.taps import POINTS

CREATION = frozenset(point for point in POINTS if point.endswith("collections.create"))


def lifecycle(proof: Proof, round_: int) -> None:
    """Everything that writes somewhere, whatever became of the step before."""
    proof.put(["document-0", "document-1", "document-2"], "harbour", 6)
    proof.drain()
    proof.reindex("hashing-64-7" if round_ % 2 else "hashing-32", None, activate=round_ % 3 == 0)
    proof.put(["document-1", "document-3"], "orchard", 1)
    proof.delete(["document-0"])
    proof.drain()
    proof.search_words("harbour")
    proof.activate()
    proof.search_words("orchard")
    proof.rollback()
    proof.search_words("orchard")
    proof.search_meaning("document-3")
    proof.forge("document-4", "glacier")
    proof.reconcile()
    proof.damage("document-3", "vectors")
    proof.reconcile()
    proof.reindex("hashing", 8, activate=False)
    proof.cancel()
    proof.collect_garbage()


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_a_death_at_any_point_loses_nothing(tmp_path: Path) -> None:
    """Every point is reached; after each death all goes on, and the end is clean."""
    proof = Proof(embedded(tmp_path))
    proof.begin(grace_s=0.0)
    try:
        for round_, point in enumerate(sorted(set(POINTS) - CREATION)):
            kills = proof.kills
            proof.arm(point, 1)
            lifecycle(proof, round_)
            assert proof.kills > kills, f"Nothing passed the point '{point}'."
        proof.finish()
    finally:
        proof.close()


@pytest.mark.parametrize("point", sorted(CREATION))
def test_a_death_while_a_collection_is_made(tmp_path: Path, point: str) -> None:
    """It is there or not, and can be made again."""
    proof = Proof(embedded(tmp_path))
    proof.host.start()
    proof.arm(point, 1)
    with pytest.raises(Killed):
        proof.host("create")
    proof.host.kill()
    proof.begin()
    proof.put(["document-0"], "harbour", 1)
    proof.drain()
    proof.search_words("harbour")
    proof.close()


def test_a_switch_that_was_asked_for_outlives_a_death_before_it(tmp_path: Path) -> None:
    """The build is ready, its process is dead, and the next one switches."""
    proof = Proof(embedded(tmp_path))
    proof.begin()
    try:
        proof.put(["document-0"], "harbour", 1)
        proof.drain()
        before = set(proof.model.live)
        proof.reindex("hashing-32", None, activate=True)
        proof.arm("before ledger.collections.activate", 1)
        proof.drain()
        assert proof.kills == 1
        proof.drain()
        assert proof.model.live != before
        proof.search_words("harbour")
        proof.finish()
    finally:
        proof.close()

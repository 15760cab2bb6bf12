"""The checker is checked: every fault that is planted is caught, and no other."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.proof.machine import embedded
from tests.proof.proof import Proof


@contextmanager
def begun(folder: Path, plant: str = "") -> Iterator[Proof]:
    """A Winnow with a fault in it."""
    proof = Proof(embedded(folder), plant)
    proof.begin()
    try:
        yield proof
    finally:
        proof.close()


def scenario(proof: Proof) -> None:
    """Writes, deletes, a change of the model and back, with searches in between."""
    for number in range(4):
        proof.put([f"document-{number}", f"document-{number + 4}"], "harbour", 1)
        proof.drain()
    proof.search_words("harbour")
    proof.reindex("hashing-64-7", None, activate=False)
    proof.drain()
    proof.activate()
    proof.search_words("harbour")
    proof.delete(["document-2", "document-3"])
    proof.put(["document-0"], "orchard", 1)
    proof.drain()
    proof.search_words("harbour")
    proof.search_meaning("document-0")
    proof.rollback()
    proof.search_words("harbour")
    for number in range(8):
        proof.search_meaning(f"document-{number}")
    verified(proof)


def verified(proof: Proof) -> None:
    """Nobody has repaired anything, and nothing needs repair."""
    for generation, discrepancies, pending in proof.host("verify"):
        assert not discrepancies, f"{generation} has {discrepancies} discrepancies."
        assert not pending


def test_without_a_fault_nothing_is_caught(tmp_path: Path) -> None:
    """The scenario passes."""
    with begun(tmp_path) as proof:
        scenario(proof)
        proof.finish()


@pytest.mark.parametrize(
    ("plant", "caught"),
    [
        ("skipped vector write", "is not found by its own text|discrepancies"),
        ("key without generation", "An answer of g.* while .* is live"),
        ("lost write", "an acknowledged write is lost"),
        ("lost delete", "is counted as|discrepancies"),
    ],
)
def test_a_planted_fault_is_caught(tmp_path: Path, plant: str, caught: str) -> None:
    """By the sentence that names it."""
    with begun(tmp_path, plant) as proof, pytest.raises(AssertionError, match=caught):
        scenario(proof)

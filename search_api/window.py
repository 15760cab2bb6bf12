"""Which chunks the cross-encoder reads."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from services.documents import ChunkRef


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """The chunks to be scored, most promising first, and what bounded their number."""

    refs: tuple[ChunkRef, ...]
    bounded_by: str

    @property
    def members(self) -> frozenset[ChunkRef]:
        """The chunks in no order."""
        return frozenset(self.refs)


def plan_window(
    order: Sequence[ChunkRef], *, limit: int, affordable: int, per_document: int
) -> WindowPlan:
    """Take the best chunks of an order.

    Args:
        order: candidates, best first.
        limit: the most chunks that reranking is worth ("setting").
        affordable: the most that the budget pays for at the measured speed ("budget").
        per_document: the most chunks of one document, so that a long one cannot fill the
            window alone.
    """
    size = min(limit, affordable)
    taken: list[ChunkRef] = []
    seen: Counter[str] = Counter()
    for ref in order:
        if len(taken) == size:
            return WindowPlan(tuple(taken), "budget" if affordable < limit else "setting")
        if seen[ref.document_id] < per_document:
            seen[ref.document_id] += 1
            taken.append(ref)
    return WindowPlan(tuple(taken), "candidates")

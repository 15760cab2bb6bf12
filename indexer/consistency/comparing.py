"""One document as the ledger has it, against what an engine holds of it: pure rules."""

from dataclasses import dataclass
from enum import StrEnum

from services.candidates import Holding
from services.ports.ledger import MarkState, Standing


class Engine(StrEnum):
    """One of the two indexes of a generation."""

    TEXT = "text"
    VECTORS = "vectors"


class Kind(StrEnum):
    """What is wrong.

    ``missing``: marked as indexed, and not there, or not with all its chunks. ``phantom``:
    there, and deleted or unknown. ``stale``: there in another version. ``duplicate``: there
    with chunks of several versions, or more than were written.
    """

    MISSING = "missing"
    PHANTOM = "phantom"
    STALE = "stale"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A document of which an engine holds other than the ledger says.

    Attributes:
        version: the ledger's, 0 where it does not know the document.
        found: the newest version that has left a trace in the engine, 0 for none.
        detail: for people.
    """

    document_id: str
    engine: Engine
    kind: Kind
    version: int
    found: int
    detail: str


def judge(
    identifier: str, standing: Standing | None, engine: Engine, holding: Holding | None
) -> Discrepancy | None:
    """What is wrong in one engine, None where nothing is, or nothing can be said yet.

    A document that is pending is about to be written, and one that was refused may be there
    in part: neither is judged.
    """
    if standing is not None and standing.state is not MarkState.INDEXED:
        return None
    fault = _fault(standing, holding)
    if fault is None:
        return None
    kind, detail = fault
    version = standing.version if standing is not None else 0
    found = holding.newest if holding is not None else 0
    return Discrepancy(identifier, engine, kind, version, found, detail)


def judge_chunks(
    identifier: str, standing: Standing | None, text: Holding | None, vectors: Holding | None
) -> Discrepancy | None:
    """Whether engines that are well each by itself hold the same chunks.

    Chunks have the same ids in both, so their numbers tell. No vectors at all is the choice
    of whoever wrote them: the encoder does not know the language.
    """
    if standing is None or standing.state is not MarkState.INDEXED:
        return None
    if text is None or vectors is None or standing.deleted:
        return None
    if text.chunks == vectors.chunks or not vectors.chunks:
        return None
    fewer = Engine.TEXT if text.chunks < vectors.chunks else Engine.VECTORS
    detail = f"{text.chunks} chunks in the text index, {vectors.chunks} in the vector index"
    version = standing.version
    return Discrepancy(identifier, fewer, Kind.MISSING, version, version, detail)


def _fault(standing: Standing | None, holding: Holding | None) -> tuple[Kind, str] | None:
    present = holding is not None and (not holding.deleted or bool(holding.found))
    if standing is None or standing.deleted:
        if not present:
            return None
        why = "the ledger does not know it" if standing is None else "it was deleted"
        return Kind.PHANTOM, why
    if holding is None or not present:
        return Kind.MISSING, "nothing of it is there"
    return _fault_of_chunks(standing.version, holding)


def _fault_of_chunks(version: int, holding: Holding) -> tuple[Kind, str] | None:
    if holding.version != version:
        return Kind.STALE, f"version {holding.version} in place of {version}"
    others = sorted(other for other in holding.found if other != version)
    if others:
        return Kind.DUPLICATE, f"chunks of version {', '.join(map(str, others))} beside it"
    count = holding.found.get(version, 0)
    if count == holding.chunks:
        return None
    kind = Kind.MISSING if count < holding.chunks else Kind.DUPLICATE
    return kind, f"{count} chunks in place of {holding.chunks}"

"""What is looked at before a switch: nothing is missing, and the new generation answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from indexer.generations.sampling import ask_samples
from indexer.verification import verify
from services.assembly import Services
from services.errors import InvalidInput
from services.generations import Generation
from services.ports.ledger import DeadLetter

NAMED = 3
"""How many documents a finding names."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: ``complete``, ``refused``, ``contents`` or ``samples``.
        detail: what was found, for people.
    """

    name: str
    passed: bool
    detail: str


def complete(pending: int) -> Check:
    """Whether nothing waits to be written."""
    found = f"{pending:,} documents and deletions wait" if pending else "nothing waits"
    return Check("complete", not pending, found)


async def refused(services: Services, generation: Generation, live: Generation) -> Check:
    """Whether the generation lacks no document that the live one holds."""
    documents = services.ledger.documents
    known = {letter.document_id for letter in await documents.dead_letters(live)}
    lost = [
        letter
        for letter in await documents.dead_letters(generation)
        if letter.document_id not in known
    ]
    if not lost:
        return Check("refused", True, "no document that the live generation holds was refused")
    return Check("refused", False, f"{len(lost):,} documents were refused: {_named(lost)}")


def _named(letters: Sequence[DeadLetter]) -> str:
    named = [f"{each.document_id!r} ({each.reason})" for each in letters[:NAMED]]
    return ", ".join([*named, *(["…"] if len(letters) > NAMED else [])])


async def contents(services: Services, generation: Generation) -> Check:
    """Whether both engines hold every version that the ledger marked, and nothing else."""
    found = await verify(services, generation)
    held = f"{found.documents:,} documents compared"
    if not found.total:
        return Check("contents", True, f"ledger, words and vectors agree: {held}")
    named = ", ".join(
        f"{each.document_id!r} ({each.engine}: {each.kind})" for each in found.listed[:NAMED]
    )
    return Check("contents", False, f"{found.total:,} faults in {held}: {named}")


async def samples(services: Services, generation: Generation) -> Check:
    """Whether words and vectors answer questions made of the generation's own documents."""
    answers = await ask_samples(services, generation)
    if answers.unanswered:
        named = ", ".join(repr(text) for text in answers.unanswered[:NAMED])
        return Check("samples", False, f"nothing answers {named}")
    found = f"{answers.asked} queries answered, {answers.own} of them by their own document"
    return Check("samples", True, found)


async def look(services: Services, generation: Generation) -> Sequence[Check]:
    """Everything that a switch asks for, looked at now."""
    ledger = services.ledger
    live = (await ledger.collections.head(generation.collection)).live
    lacking = await ledger.documents.backlog(generation) - await ledger.documents.backlog(live)
    return [
        complete(max(0, lacking)),
        await refused(services, generation, live),
        await contents(services, generation),
        await samples(services, generation),
    ]


def demand(found: Sequence[Check]) -> None:
    """Raise InvalidInput where a check failed, naming each that did."""
    failed = [f"{each.name}: {each.detail}" for each in found if not each.passed]
    if failed:
        raise InvalidInput("; ".join(failed))

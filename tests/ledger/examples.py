"""Documents and generations for tests of ledgers."""

from services.documents import Document, Value
from services.generations import (
    ChunkerConfiguration,
    Generation,
    GenerationFingerprint,
    GenerationState,
)
from services.ports.ledger import Write


def generation(
    identifier: str = "g1",
    *,
    collection: str = "books",
    state: GenerationState = GenerationState.BUILDING,
    analyzers: str = "1",
) -> Generation:
    """A generation of words only."""
    fingerprint = GenerationFingerprint(None, ChunkerConfiguration(64, 8), analyzers)
    return Generation(collection, identifier, fingerprint, state)


def put(identifier: str, text: str = "text", *, language: str = "", **metadata: Value) -> Write:
    """A write of a small document."""
    return Write(identifier, Document(identifier, text, language=language, metadata=metadata))


def delete(identifier: str) -> Write:
    """A deletion."""
    return Write(identifier, None)

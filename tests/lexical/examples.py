"""Documents for the tests of the lexical port."""

from collections.abc import Mapping

from services.documents import Chunk, Document, Value
from services.filters import Filter
from services.generations import (
    ChunkerConfiguration,
    Generation,
    GenerationFingerprint,
    GenerationState,
)
from services.ports.lexical import LexicalEntry
from services.queries import LexicalQuery, Scope, Words
from services.rights import EVERYTHING, Rights


def generation(identifier: str = "1") -> Generation:
    """A generation of words only."""
    fingerprint = GenerationFingerprint(None, ChunkerConfiguration(256, 32), "test")
    return Generation("books", identifier, fingerprint, GenerationState.LIVE)


def entry(
    identifier: str,
    *texts: str,
    version: int = 1,
    language: str = "en",
    title: str = "",
    heading: str = "",
    metadata: Mapping[str, Value] | None = None,
    principals: tuple[str, ...] = (),
) -> LexicalEntry:
    """A document whose chunks are the given texts, a line each."""
    document = Document(
        identifier,
        "\n".join(texts),
        title,
        language=language,
        metadata=metadata or {},
        principals=principals,
    )
    chunks = []
    start = 0
    for ordinal, text in enumerate(texts):
        path = (heading,) if heading else ()
        chunks.append(Chunk(identifier, ordinal, start, start + len(text), text, path, version))
        start += len(text) + 1
    return LexicalEntry(document, version, tuple(chunks))


def query(
    text: str = "",
    *,
    phrases: tuple[str, ...] = (),
    excluded: tuple[str, ...] = (),
    only: Filter | None = None,
    rights: Rights = EVERYTHING,
    language: str = "",
) -> LexicalQuery:
    """A query; the words of its phrases are words to be found as well."""
    words = Words(" ".join((text, *phrases)).strip(), phrases, excluded)
    return LexicalQuery(words, Scope(only, rights), language)

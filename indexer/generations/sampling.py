"""A few questions to a new generation, made of its own documents."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from services.assembly import Services
from services.documents import Document
from services.generations import Generation
from services.ports.vectors import VectorIndex
from services.queries import LexicalQuery, Scope, Words

SAMPLES = 8
_QUERY_WORDS = 6
_SHORTEST_WORD = 3
_DEPTH = 100
# Ids are the callers' own: these places spread a sample over most ways of making them.
_PLACES = ("", "2", "5", "8", "A", "K", "T", "b", "g", "m", "s", "x")


@dataclass(frozen=True, slots=True)
class Answers:
    """What became of the questions.

    Attributes:
        own: how many found the document that they were made of.
        unanswered: questions that words or vectors had no answer to.
    """

    asked: int
    own: int
    unanswered: Sequence[str]


async def ask_samples(services: Services, generation: Generation) -> Answers:
    """Search words and vectors for telling words of a few documents."""
    asked = await _sample(services, generation)
    lexical = await services.lexical.open(generation)
    vectors, embedder = None, None
    if generation.fingerprint.encoder is not None:
        embedder = await services.shelf.embedder_for(generation.fingerprint.encoder)
        vectors = await _filled(services, generation)
    found, unanswered = 0, list[str]()
    for identifier, text in asked:
        query = LexicalQuery(Words(text), Scope())
        runs = [await lexical.search(query, _DEPTH)]
        if vectors is not None and embedder is not None:
            vector = (await embedder.embed_query(text)).vectors[0]
            runs.append(await vectors.search(vector, Scope(), _DEPTH))
        if not all(run and all(math.isfinite(hit.score) for hit in run) for run in runs):
            unanswered.append(text)
        found += any(hit.ref.document_id == identifier for run in runs for hit in run)
    return Answers(len(asked), found, unanswered)


async def _filled(services: Services, generation: Generation) -> VectorIndex | None:
    """The vector index where it holds any chunk: one of texts that no encoder reads is empty."""
    index = await services.vectors.open(generation)
    held = await index.versions("", _DEPTH)
    return index if any(each.chunks for each in held) else None


async def _sample(services: Services, generation: Generation) -> list[tuple[str, str]]:
    """Ids of a few documents that the generation holds, each with telling words of its text."""
    documents, collection = services.ledger.documents, generation.collection
    ids = dict[str, None]()
    for place in _PLACES:
        ids |= dict.fromkeys(
            each.document_id for each in await documents.list(collection, place, 2)
        )
    held = await documents.marks(generation, list(ids))
    records = await documents.read(collection, [each for each in ids if each in held])
    queries = (
        (record.document_id, _telling(record.document))
        for record in records.values()
        if record.document is not None and held[record.document_id] == record.version
    )
    return [(identifier, query) for identifier, query in queries if query][:SAMPLES]


def _telling(document: Document) -> str:
    """The longest words of a text's beginning: hardly ever stop words."""
    words = {word for word in document.text[:400].split() if word.isalpha()}
    longest = sorted(words, key=lambda word: (-len(word), word))[:_QUERY_WORDS]
    return " ".join(word for word in longest if len(word) >= _SHORTEST_WORD)

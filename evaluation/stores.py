"""Where judged collections are indexed: by content, apart from users' collections.

Each corpus has a data directory of its own under the user's, named by its hash, so that
evaluating needs no lock that a serving process holds. Within it a collection is named by the
generation's fingerprint: another chunk size or model adds a collection and spoils none.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from evaluation.collections import CorpusDocument, JudgedCollection
from indexer.draft import Draft
from indexer.fingerprints import fingerprint
from indexer.outcomes import Progress
from indexer.service import Indexer
from services.assembly import Services
from services.generations import Generation
from services.settings import Settings

OnProgress = Callable[[str, int, int], None]
"""Told what is being done, how many are done, and of how many (0: not known)."""

_BATCH = 500
_PAGE = 10_000
_UNHURRIED_MS = 600_000


@dataclass(frozen=True, slots=True)
class Stored:
    """A judged collection's index.

    Attributes:
        collection: its name in the evaluation's own data directory.
        refused: documents that could not be indexed, as "id: reason".
    """

    collection: str
    generation: Generation
    documents: int
    chunks: int
    refused: tuple[str, ...]


def evaluation_settings(settings: Settings, collection: JudgedCollection) -> Settings:
    """The user's settings, on the collection's own data directory.

    No answer is cached, and none is cut short: quality must not depend on the load of the
    machine that measures it.
    """
    own = {
        "data_dir": settings.data_path / "evaluation" / collection.corpus_hash[:16],
        "cache_ttl_s": 0,
        "budget_ms": _UNHURRIED_MS,
        "deadline_ms": _UNHURRIED_MS,
        "max_query_characters": 1_000_000,
    }
    # Not model_copy: it would keep the cached data_path of the user's own directory.
    return Settings.model_construct(**(settings.model_dump() | own))


def share_model_notes(settings: Settings, own: Settings) -> None:
    """Let an evaluation know what the user's directory knows of models.

    Else every collection would ask a hub that is known not to answer, and read all the
    weights again for their digest.
    """
    notes = settings.data_path / "models"
    notes.mkdir(parents=True, exist_ok=True)
    own.data_path.mkdir(parents=True, exist_ok=True)
    shared = own.data_path / "models"
    if not shared.exists():
        shared.symlink_to(notes, target_is_directory=True)


async def ensure_indexed(
    services: Services, collection: JudgedCollection, progress: OnProgress
) -> Stored:
    """Index what is not indexed yet: nothing, where this corpus was evaluated before."""
    name = f"{collection.corpus_hash[:12]}-{fingerprint(services).digest()}"
    indexer = Indexer(services)
    try:
        refused = await _index(indexer, name, collection, progress)
    finally:
        await indexer.close()
    generation = (await services.ledger.collections.head(name)).live
    dead = await services.ledger.documents.dead_letters(generation)
    refused += [f"{letter.document_id}: {letter.reason}" for letter in dead]
    documents, chunks = await _count(services, generation)
    return Stored(name, generation, documents, chunks, tuple(refused))


async def _index(
    indexer: Indexer, name: str, collection: JudgedCollection, progress: OnProgress
) -> list[str]:
    """Store and index every document; what was refused, with the reason."""
    await indexer.ensure_collection(name)
    refused: list[str] = []
    stored = 0
    for batch in _batches(collection.documents()):
        outcomes = await indexer.put(name, [_draft(document) for document in batch])
        refused += [f"{each.id}: {each.refused}" for each in outcomes if each.refused]
        stored += len(batch)
        progress("Storing documents", stored, 0)

    def indexing(state: Progress) -> None:
        progress("Indexing", state.documents, state.total)

    await indexer.index_pending(name, indexing)
    return refused


async def _count(services: Services, generation: Generation) -> tuple[int, int]:
    """Documents and chunks that the text index holds."""
    index = await services.lexical.open(generation)
    documents, chunks, after = 0, 0, ""
    while page := await index.versions(after, _PAGE):
        documents += len(page)
        chunks += sum(each.chunks for each in page)
        after = page[-1].document_id
    return documents, chunks


def _draft(document: CorpusDocument) -> Draft:
    return Draft(id=document.id, title=document.title, text=document.text)


def _batches(documents: Iterable[CorpusDocument]) -> Iterator[list[CorpusDocument]]:
    source = iter(documents)
    while batch := list(islice(source, _BATCH)):
        yield batch

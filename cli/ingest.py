"""Reads sources, stores what they hold, and indexes it while the next are read."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cli.backend import Backend
from cli.progress import Meter
from indexer.draft import Draft, Refusal
from indexer.outcomes import Progress
from indexer.sources import Inventory, load_source

BATCH_DOCUMENTS = 256
BATCH_CHARACTERS = 4 * 2**20
PAGE = 1_000


@dataclass(slots=True)
class Ingested:
    """What a run did.

    Attributes:
        read: documents found in the sources; stored: those that were new or changed.
        refused: (source or id, reason) for what could not be read, stored or indexed.
        skipped: files that no loader knows, counted by suffix.
    """

    read: int = 0
    stored: int = 0
    unchanged: int = 0
    pruned: int = 0
    chunks: int = 0
    refused: list[Refusal] = field(default_factory=list)
    skipped: Mapping[str, int] = field(default_factory=dict)
    pruning_held_back: bool = False

    def to_json(self) -> dict[str, object]:
        """The object that ``--json`` prints."""
        return {
            "read": self.read,
            "stored": self.stored,
            "unchanged": self.unchanged,
            "pruned": self.pruned,
            "chunks": self.chunks,
            "refused": [{"source": each.source, "reason": each.reason} for each in self.refused],
            "skipped": dict(self.skipped),
        }


@dataclass(frozen=True, slots=True)
class Batch:
    """Documents to be stored together.

    Attributes:
        fraction: how much of all sources has been read with it, 0 to 1.
    """

    drafts: Sequence[Draft]
    refusals: Sequence[Refusal]
    fraction: float


async def ingest(
    backend: Backend,
    collection: str,
    batches: Iterator[Batch],
    meter: Meter,
    *,
    prune: bool = False,
) -> Ingested:
    """Store and index batches, the next being read in a thread meanwhile.

    What a killed run stored and did not index is indexed by the next one, which finds the
    rest unchanged.

    Args:
        prune: delete what the sources do not hold, unless a refusal leaves that in doubt.

    Raises:
        WinnowError: nothing more can be stored; what was stored stays.
    """
    done, kept = Ingested(), set[str]()
    await backend.ensure_collection(collection)
    reading = asyncio.ensure_future(asyncio.to_thread(next, batches, None))
    fraction = 0.0
    while (batch := await reading) is not None:
        reading = asyncio.ensure_future(asyncio.to_thread(next, batches, None))
        kept.update(draft.id for draft in batch.drafts)
        done.refused += batch.refusals
        await _store(backend, collection, batch.drafts, done)
        await _index(backend, collection, (fraction, batch.fraction), meter, done)
        fraction = batch.fraction
    # Also where nothing was read: a killed run may have left documents to be indexed.
    await _index(backend, collection, (fraction, 1.0), meter, done)
    if prune:
        await _prune(backend, collection, kept, done)
        await _index(backend, collection, (1.0, 1.0), meter, done)
    meter.show(1.0, done.read, done.chunks)
    return done


def read_batches(inventory: Inventory, form: str | None, language: str) -> Iterator[Batch]:
    """What the sources hold, as batches of bounded size.

    Args:
        form: reads everything as this format.
        language: of documents that name none.
    """
    drafts: list[Draft] = []
    refusals = list(inventory.refusals)
    characters, finished_bytes = 0, 0
    total_bytes = inventory.total_bytes or 1
    for source in inventory.sources:
        source_characters = 0
        for item in load_source(source, format=form):
            if isinstance(item, Refusal):
                refusals.append(item)
                continue
            drafts.append(item if item.language else replace(item, language=language))
            characters += len(item.text)
            source_characters += len(item.text)
            if len(drafts) >= BATCH_DOCUMENTS or characters >= BATCH_CHARACTERS:
                # Inside a file of many documents their text tells how far it is.
                inside = min(source_characters, source.size)
                yield Batch(drafts, refusals, min(1.0, (finished_bytes + inside) / total_bytes))
                drafts, refusals, characters = [], [], 0
        finished_bytes += source.size
    if drafts or refusals:
        yield Batch(drafts, refusals, 1.0)


async def _store(
    backend: Backend, collection: str, drafts: Sequence[Draft], done: Ingested
) -> None:
    done.read += len(drafts)
    if drafts:
        stored = await backend.put(collection, drafts)
        done.stored += stored.changed
        done.unchanged += stored.unchanged
        done.refused += [Refusal(key, reason, key) for key, reason in stored.refused]


async def _index(
    backend: Backend, collection: str, span: tuple[float, float], meter: Meter, done: Ingested
) -> None:
    start, end = span

    def show(state: Progress) -> None:
        part = state.documents / state.total if state.total else 1.0
        meter.show(start + (end - start) * part, done.read, done.chunks + state.chunks)

    indexed = await backend.index(collection, show)
    done.chunks += indexed.chunks
    done.refused += [Refusal(key, reason, key) for key, reason in indexed.refused.items()]
    meter.show(end, done.read, done.chunks)


async def _prune(backend: Backend, collection: str, kept: set[str], done: Ingested) -> None:
    """Delete what no source holds; a source that could not be read may hold anything."""
    if any(not refusal.id for refusal in done.refused):
        done.pruning_held_back = True
        return
    kept.update(refusal.id for refusal in done.refused)
    after = ""
    while page := await backend.documents(collection, after, PAGE, ""):
        after = page[-1]["id"]
        gone = [document["id"] for document in page if document["id"] not in kept]
        if gone:
            done.pruned += (await backend.delete(collection, gone)).changed

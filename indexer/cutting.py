"""Records cut into batches of chunks, in a thread."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

from indexer.chunking import chunk_document
from indexer.crashes import is_fault, sentence
from services.documents import Chunk, Document
from services.generations import ChunkerConfiguration, Generation
from services.models.hashing import WordCounter
from services.models.inputs import head_tokens
from services.ports.ledger import Record
from services.ports.lexical import Tombstone
from services.ports.models import BiEncoder, TokenCounter

# As many as fill the encoder's passes.
BATCH_CHUNKS = 256
BATCH_RECORDS = 256
FIRST_CHUNKS = 32


@dataclass(frozen=True, slots=True)
class Cut:
    """One version of a document with its chunks."""

    document: Document
    version: int
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """What is embedded and written together.

    Attributes:
        versions: of every record in the batch, by id, whatever becomes of it.
        refused: why a document could not be cut, by id.
    """

    cuts: list[Cut] = field(default_factory=list)
    tombstones: list[Tombstone] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)

    def full(self, chunks: int) -> bool:
        """Whether it holds so many chunks, or as many records as memory asks for.

        A document is never parted over two batches, so one long document is a batch.
        """
        return len(self.versions) >= BATCH_RECORDS or (
            sum(len(cut.chunks) for cut in self.cuts) >= chunks
        )


class Cutter:
    """Cuts documents as one generation's configuration says."""

    def __init__(
        self, generation: Generation, encoder: BiEncoder | None, executor: Executor
    ) -> None:
        self._configuration: ChunkerConfiguration = generation.fingerprint.chunker
        self._language = generation.fingerprint.language
        self._executor = executor
        self._counter: TokenCounter = WordCounter()
        self._overhead: Callable[[str, tuple[str, ...]], int] | None = None
        if encoder is not None:
            counter, max_tokens = encoder.counter, encoder.card.max_tokens
            self._counter = counter
            self._overhead = lambda title, path: head_tokens(title, path, counter, max_tokens)

    async def batches(
        self, records: Iterable[Record], chunks: Callable[[], int] = lambda: BATCH_CHUNKS
    ) -> AsyncGenerator[Batch, None]:
        """Batches in the order of the records, each cut when it is asked for.

        They grow to their size, so that the encoder need not wait long for the first.

        Args:
            chunks: how many a batch shall have now, at least.
        """
        loop = asyncio.get_running_loop()
        remaining = iter(records)
        size = FIRST_CHUNKS
        while True:
            wanted = min(size, chunks())
            batch = await loop.run_in_executor(self._executor, self._next, remaining, wanted)
            if not batch.versions:
                return
            yield batch
            size *= 2

    def _next(self, records: Iterator[Record], chunks: int) -> Batch:
        batch = Batch()
        while not batch.full(chunks) and (record := next(records, None)) is not None:
            self._add(batch, record)
        return batch

    def _add(self, batch: Batch, record: Record) -> None:
        batch.versions[record.document_id] = record.version
        if record.document is None:
            batch.tombstones.append(Tombstone(record.document_id, record.version))
            return
        document = record.document
        if self._language:
            document = replace(document, language=self._language)
        try:
            chunks = chunk_document(document, self._counter, self._configuration, self._overhead)
        except BaseException as error:
            if not is_fault(error):
                raise
            batch.refused[record.document_id] = sentence("The document cannot be cut", error)
            return
        chunks = tuple(replace(chunk, version=record.version) for chunk in chunks)
        batch.cuts.append(Cut(document, record.version, chunks))

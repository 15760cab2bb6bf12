"""What a worker does with a task of ingestion: the pipeline of this process, unmarked.

Whoever handed the task out marks what is done, so that one process alone writes marks.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager

from indexer.fingerprints import encoder_of
from indexer.languages import settle
from indexer.pipeline import Checkpoint, Pipeline, no_checkpoint
from indexer.service import Indexer
from services.assembly import Services, open_services
from services.errors import ModelUnavailable, NotFound
from services.generations import Generation
from services.ports.ingestion import IngestResult, IngestTask
from services.ports.ledger import DeadLetter
from services.process import process_name
from services.settings import Settings


class Performer:
    """Does tasks on one event loop, several at a time."""

    def __init__(self, services: Services, checkpoint: Checkpoint = no_checkpoint) -> None:
        self._services = services
        self._checkpoint = checkpoint
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="winnow-cutter")

    @property
    def described(self) -> str:
        """With which model, on which device."""
        embedder = self._services.embedder
        if embedder is None:
            return "words alone"
        card = embedder.encoder.card
        return f"with {card.name} on {card.device} ({card.runtime}, {card.precision})"

    async def perform(self, task: IngestTask) -> IngestResult:
        """Cut, embed and write what of a task's documents is still pending.

        Raises:
            ModelUnavailable: there is no encoder for the generation here.
            BackendUnavailable: an engine or the ledger failed for now.
        """
        indexed: dict[str, int] = {}
        refused: dict[str, tuple[int, str]] = {}
        chunks = 0

        async def keep(done: Mapping[str, int], letters: Sequence[DeadLetter]) -> None:
            indexed.update(done)
            refused.update(
                {each.document_id: (each.version, _sent(each.reason)) for each in letters}
            )

        generation = await self._generation(task)
        if generation is not None:
            embedder = await encoder_of(generation, self._services)
            documents = self._services.ledger.documents
            names = [identifier for identifier, _ in task.documents]
            waiting = await documents.waiting(generation, names)
            held = await documents.read(task.collection, sorted(waiting))
            records = settle(list(held.values()), task.language)
            pipeline = Pipeline(
                self._services, generation, embedder, self._executor, self._checkpoint, keep
            )
            async with aclosing(pipeline.index(records)) as batches:
                async for written in batches:
                    chunks += written.chunks
        return IngestResult(indexed=indexed, refused=refused, chunks=chunks, worker=process_name())

    async def _generation(self, task: IngestTask) -> Generation | None:
        """The task's generation as the ledger has it; None where it is gone, and the work with it.

        A task may be late by hours: writing would make the indexes of a removed generation anew.
        """
        try:
            kept = await self._services.ledger.collections.generations(task.collection)
        except NotFound:
            return None
        return next((each for each in kept if each.name == task.generation), None)

    def close(self) -> None:
        """Let the thread end."""
        self._executor.shutdown(wait=True, cancel_futures=True)


def _sent(reason: str) -> str:
    """A reason as JSON can carry it: an error may quote a text's lone surrogates."""
    return reason.encode("utf-8", "replace").decode()


@asynccontextmanager
async def open_performer(
    settings: Settings, checkpoint: Checkpoint = no_checkpoint
) -> AsyncIterator[Performer]:
    """A worker's services, for as long as the block runs.

    The process hands out as well, where no other does: a worker that is left alone goes on
    with what the ledger holds.

    Raises:
        ModelUnavailable: the encoder that the settings name is not to be had.
        BackendUnavailable: as :func:`services.assembly.open_services`.
    """
    async with open_services(settings) as services:
        if settings.bi_encoder and services.embedder is None:
            raise ModelUnavailable(services.missing["bi_encoder"])
        performer = Performer(services, checkpoint)
        try:
            async with Indexer(services, checkpoint=checkpoint):
                yield performer
        finally:
            performer.close()

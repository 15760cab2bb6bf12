"""Handing ingestion out to workers: the ledger's pending records, some at a time.

A task names versions of documents, nothing more: whoever does it reads them from the ledger.
So a queue that loses a task, or does it twice, loses and spoils nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Protocol

from pydantic import Field

from services.generations import Generation

DocumentVersion = tuple[str, Annotated[int, Field(ge=0)]]
"""A document's id and a version of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestTask:
    """Documents to be cut, embedded and written to both engines.

    Attributes:
        generation: the name of one of the collection's generations.
        language: of texts too short to tell (:mod:`indexer.languages`).
        alone: nothing else may run in the worker's process meanwhile: one of these documents
            is suspected of killing it.
    """

    collection: str
    generation: str
    documents: tuple[DocumentVersion, ...]
    language: str
    alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestResult:
    """What a worker did of a task.

    Documents that need it no longer are in neither of the two.

    Attributes:
        indexed: the versions that both engines hold now; newer ones than asked for where
            the ledger had them.
        refused: the version of each document that cannot be indexed, with the reason.
        chunks: written for ``indexed``.
        worker: the process: "host:pid".
    """

    indexed: Mapping[str, int]
    refused: Mapping[str, tuple[int, str]]
    chunks: int
    worker: str


@dataclass(frozen=True, slots=True)
class Attempts:
    """What the queue knows of a generation's documents.

    Attributes:
        claimed: ids that a worker has in hand, whoever handed them out.
        failed: how often a worker died while it had this version in hand.
    """

    claimed: frozenset[str] = frozenset()
    failed: Mapping[DocumentVersion, int] = field(default_factory=dict)


class IngestQueue(Protocol):
    """Workers that ingest, from the side of whoever hands out."""

    def workers(self) -> int:
        """How many live; 0 while they cannot be seen."""

    async def perform(self, task: IngestTask) -> IngestResult:
        """Have a worker do it.

        Raises:
            TaskLost: the worker died, or nobody has the task; it may be handed out again.
            ModelUnavailable: the worker has no encoder for the generation.
            BackendUnavailable: the broker, or a backend of the worker, failed for now.
        """

    async def attempts(self, generation: Generation) -> Attempts:
        """Attempts so far; those of workers that died since the last call are counted."""

    async def forget(self, generation: Generation, documents: Mapping[str, int]) -> None:
        """Forget the failed attempts of documents that are done."""

    async def lead(self, collection: str) -> None:
        """Say that this process hands out the collection's tasks: workers drop others'.

        To be said again each second or so, for as long as it does.
        """

    async def close(self) -> None:
        """Let go of the broker."""

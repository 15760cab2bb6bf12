"""Recording in the ledger what both engines hold, or will never hold."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from services.generations import Generation
from services.metrics import DOCUMENTS_INDEXED, DOCUMENTS_REFUSED
from services.ports.leases import Lease
from services.ports.ledger import DeadLetter, DocumentLedger

Mark = Callable[[Mapping[str, int], Sequence[DeadLetter]], Awaitable[None]]
"""Takes versions that are indexed and those that are refused."""


class Marker:
    """Marks for one generation, under the lease of whoever brings it up to the ledger."""

    def __init__(self, documents: DocumentLedger, generation: Generation, lease: Lease) -> None:
        self._documents = documents
        self._generation = generation
        self._lease = lease

    async def __call__(self, indexed: Mapping[str, int], refused: Sequence[DeadLetter]) -> None:
        """Mark, and count what was marked.

        Raises:
            LeaseLost: another process does the work by now; nothing was marked.
            NotFound: the generation is gone.
        """
        await self._documents.mark(self._generation, indexed, refused, self._lease)
        DOCUMENTS_INDEXED.inc(len(indexed))
        if refused:
            DOCUMENTS_REFUSED.labels("dead-letter").inc(len(refused))

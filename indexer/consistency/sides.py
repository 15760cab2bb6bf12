"""The three sides of a comparison: the ledger and both engines of one generation."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

from indexer.consistency.comparing import Discrepancy, Engine, judge, judge_chunks
from services.assembly import Services
from services.candidates import Holding
from services.generations import Generation
from services.ports.ledger import DocumentLedger, MarkState, Standing
from services.ports.lexical import LexicalIndex
from services.ports.vectors import VectorIndex

_PAGE = 1_000

Item = Standing | Holding


class Sides:
    """What is to be compared; a generation of words alone has no vectors."""

    def __init__(
        self,
        documents: DocumentLedger,
        generation: Generation,
        text: LexicalIndex,
        vectors: VectorIndex | None,
    ) -> None:
        self._documents = documents
        self._generation = generation
        self._engines: Mapping[Engine, LexicalIndex | VectorIndex] = {
            Engine.TEXT: text,
            **({Engine.VECTORS: vectors} if vectors is not None else {}),
        }

    @classmethod
    async def open(cls, services: Services, generation: Generation) -> "Sides":
        """Open both indexes of the generation."""
        text = await services.lexical.open(generation)
        vectors = None
        if generation.fingerprint.encoder is not None:
            vectors = await services.vectors.open(generation)
        return cls(services.ledger.documents, generation, text, vectors)

    def streams(self) -> Sequence[AsyncIterator[Item]]:
        """Ledger and engines, by document id."""
        return [self._standings(), *(engine.inventory() for engine in self._engines.values())]

    def compare(self, identifier: str, items: Sequence[Item | None]) -> Sequence[Discrepancy]:
        """What is wrong with a document, from the items that the streams gave of it."""
        standing, *held = items
        if isinstance(standing, Holding):
            raise TypeError("The ledger's stream comes first.")
        holdings = {
            engine: holding if isinstance(holding, Holding) else None
            for engine, holding in zip(self._engines, held, strict=True)
        }
        return _judged(identifier, standing, holdings)

    async def confirmed(self, suspects: Sequence[str]) -> Sequence[Discrepancy]:
        """What is wrong with these documents at present, as far as the ledger stands still."""
        if not suspects:
            return []
        before = await self._present(suspects)
        held = await asyncio.gather(
            *(engine.holdings(suspects) for engine in self._engines.values())
        )
        after = await self._present(suspects)
        return [
            fault
            for identifier in suspects
            if before.get(identifier) == after.get(identifier)
            for fault in _judged(
                identifier,
                before.get(identifier),
                {
                    engine: found.get(identifier)
                    for engine, found in zip(self._engines, held, strict=True)
                },
            )
        ]

    async def _standings(self) -> AsyncIterator[Standing]:
        after = ""
        while page := await self._documents.standings(self._generation, after, _PAGE):
            for standing in page:
                yield standing
            after = page[-1].document_id

    async def _present(self, ids: Sequence[str]) -> Mapping[str, Standing]:
        """How these documents stand by id, which sees every write; texts are not read."""
        collection = self._generation.collection
        marks = await self._documents.marks(self._generation, ids)
        live = await self._documents.summaries(collection, list(marks))
        present = {
            identifier: Standing(identifier, version, identifier not in live, MarkState.INDEXED)
            for identifier, version in marks.items()
            if identifier not in live or live[identifier].version == version
        }
        rest = [identifier for identifier in ids if identifier not in present]
        for identifier, record in (await self._documents.read(collection, rest)).items():
            # Pending or refused: neither is judged.
            deleted = record.document is None
            present[identifier] = Standing(identifier, record.version, deleted, MarkState.PENDING)
        return present


def _judged(
    identifier: str, standing: Standing | None, holdings: Mapping[Engine, Holding | None]
) -> Sequence[Discrepancy]:
    faults = [
        fault
        for engine, holding in holdings.items()
        if (fault := judge(identifier, standing, engine, holding)) is not None
    ]
    if faults:
        return faults
    text, vectors = holdings[Engine.TEXT], holdings.get(Engine.VECTORS)
    fault = judge_chunks(identifier, standing, text, vectors)
    return [] if fault is None else [fault]

"""What both engines and the ledger hold, to be compared."""

from dataclasses import dataclass

from services.assembly import Services
from services.candidates import IndexedVersion
from services.documents import Chunk, ChunkRef


@dataclass(frozen=True)
class State:
    """A collection as the ledger, the text index and the vector index have it."""

    ledger: dict[str, tuple[int, str]]
    lexical: dict[str, IndexedVersion]
    vectors: dict[str, IndexedVersion]
    chunks: dict[ChunkRef, Chunk]
    vector_chunks: dict[ChunkRef, Chunk]


async def state_of(services: Services, collection: str) -> State:
    """Read everything."""
    generation = (await services.ledger.collections.head(collection)).live
    ids = [
        item.document_id for item in await services.ledger.documents.list(collection, "", 10_000)
    ]
    records = await services.ledger.documents.read(collection, ids)
    lexical = await services.lexical.open(generation)
    vectors = await services.vectors.open(generation)
    in_words = {item.document_id: item for item in await lexical.versions("", 10_000)}
    in_vectors = {item.document_id: item for item in await vectors.versions("", 10_000)}
    refs = [
        ChunkRef(item.document_id, ordinal)
        for item in in_words.values()
        for ordinal in range(item.chunks + 2)
    ]
    return State(
        {
            key: (record.version, record.document.content_hash() if record.document else "")
            for key, record in records.items()
        },
        in_words,
        in_vectors,
        dict(await lexical.read(refs)),
        dict(await vectors.read(refs)),
    )


def check_congruent(state: State) -> None:
    """Both engines hold the ledger's newest versions and nothing else."""
    newest = {key: version for key, (version, _) in state.ledger.items()}
    assert {key: item.version for key, item in state.lexical.items()} == newest
    assert state.lexical == state.vectors
    assert state.chunks == state.vector_chunks
    assert len(state.chunks) == sum(item.chunks for item in state.lexical.values())

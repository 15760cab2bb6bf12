"""One Edge shard: its files, its settings, its errors, its write-ahead log.

Edge holds Python's global lock while it works, so every call here is a small one, and
vectors are compared exactly: building a graph would stop every thread for seconds.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from qdrant_edge import (
    Distance,
    EdgeConfig,
    EdgeShard,
    EdgeVectorParams,
    HnswIndexConfig,
    Memory,
    MultiVectorComparator,
    MultiVectorConfig,
    PayloadSchemaType,
    Point,
    Query,
    QueryBatchRequest,
    QueryRequest,
    Record,
    ScoredPoint,
    ScrollRequest,
    SearchParams,
    UpdateOperation,
    VectorStorageDatatype,
)
from qdrant_edge import (
    Filter as EdgeFilter,
)

from services.collections import FieldType
from services.embedded.vectors.columns import column_name
from services.embedded.vectors.conditions import compile_window
from services.errors import BackendUnavailable, WinnowError
from services.points.payload import CHUNK, PASSAGE, READERS, REFERENCE, TERMS
from services.points.searching import TEXT, TOKENS, Comparison

# A flush shortens the log that opening replays after a crash: 128 MB of vectors at most.
# It holds the global lock for 30 ms, longer where the disk is slow, so it is rare.
_NUMBERS_BETWEEN_FLUSHES = 32_000_000

# A column costs 15 ms on an empty shard and a pass over every payload on a full one, so
# each type gets two at once when its first key comes in, mostly with the first write.
_COLUMNS_AT_ONCE = 2

# Edge compares each segment on a core of its own, and puts new points into the smallest.
_SEGMENTS = 2
_SEGMENT_FOLDER = "segments"

_COLUMN_TYPES = {
    FieldType.INTEGER: PayloadSchemaType.Integer,
    FieldType.FLOAT: PayloadSchemaType.Float,
    FieldType.DATE: PayloadSchemaType.Datetime,
}


class Shard:
    """A loaded shard. Calls come from one thread or several: the global lock orders them."""

    def __init__(self, path: Path) -> None:
        """Load what :func:`create_shard` made; replays the log of a process that was killed."""
        self._path = path
        self._unflushed = 0
        with translated():
            self._edge = EdgeShard.load(str(path))
            self._indexed = set(self._edge.info().payload_schema)

    def upsert(self, points: Sequence[Point], numbers: int) -> None:
        """Add or replace points that hold so many numbers; few at a time."""
        self._update(UpdateOperation.upsert_points(list(points)))
        self._unflushed += numbers

    def delete(self, identifiers: Sequence[str]) -> None:
        """Remove points; those that are not there do not matter."""
        self._update(UpdateOperation.delete_points(list(identifiers)))

    def ensure_column(self, kind: FieldType, place: int) -> None:
        """Make ranges over a column quick."""
        if column_name(kind, place) in self._indexed:
            return
        for next_place in range(place, place + _COLUMNS_AT_ONCE):
            name = column_name(kind, next_place)
            self._update(UpdateOperation.create_field_index(name, _COLUMN_TYPES[kind]))
            self._indexed.add(name)

    def sync(self) -> None:
        """Bring the log to the disk: what was written survives a power cut.

        Edge leaves that to the operating system. The files' own fsync does it without
        holding the global lock.
        """
        renamed = True
        while renamed:
            renamed = not all(_synced(log) for log in self._path.glob("wal/*"))
        if self._unflushed >= _NUMBERS_BETWEEN_FLUSHES:
            self.flush()

    def flush(self) -> None:
        """Write the segments out and drop the log that they no longer need.

        Their files go to the disk before Edge is asked to see to it, since it would wait
        for the disk with the global lock in its hand.
        """
        for file in self._path.glob(f"{_SEGMENT_FOLDER}/**/*"):
            if file.is_file():
                _synced(file)
        with translated():
            self._edge.flush()
        self._unflushed = 0

    def nearest(
        self, vector: Sequence[float], narrowed: EdgeFilter | None, limit: int
    ) -> list[ScoredPoint]:
        """The best points for a vector, compared exactly, with what names chunks and versions."""
        request = QueryRequest(
            limit=limit,
            query=Query.Nearest(vector, using=TEXT),  # type: ignore[arg-type]  # a list inside
            filter=narrowed,
            with_payload=REFERENCE,
            params=SearchParams(exact=True),
        )
        with translated():
            return self._edge.query(request)

    def compare(self, comparisons: Sequence[Comparison]) -> list[list[ScoredPoint]]:
        """For each the points that are there with their scores, by MaxSim for several vectors."""
        requests = [
            QueryRequest(
                limit=len(each.refs),
                query=Query.Nearest(each.query, using=each.using),
                filter=compile_window(ref.key for ref in each.refs),
                with_payload=False,
                params=SearchParams(exact=True),
            )
            for each in comparisons
        ]
        with translated():
            return self._edge.query_batch(QueryBatchRequest(requests))

    def retrieve(self, identifiers: Sequence[str]) -> list[Record]:
        """Points with the payload of their chunks, for as many as are there."""
        with translated():
            return self._edge.retrieve(list(identifiers), CHUNK, with_vector=False)

    def name(self, identifiers: Sequence[str]) -> list[Record]:
        """Points with what names their chunks, for as many as are there."""
        with translated():
            return self._edge.retrieve(list(identifiers), REFERENCE, with_vector=False)

    def scroll(self, after: str | None, limit: int) -> tuple[list[Record], str | None]:
        """Points with what names their chunks, in no order of use, and where to go on."""
        request = ScrollRequest(
            offset=after, limit=limit, with_payload=REFERENCE, with_vector=False
        )
        with translated():
            records, following = self._edge.scroll(request)
        return records, None if following is None else str(following)

    def tokens(self, identifiers: Sequence[str]) -> list[Record]:
        """Points with their token vectors; dear, since each number becomes an object."""
        with translated():
            return self._edge.retrieve(list(identifiers), False, with_vector=[TOKENS])

    def passages(self, identifiers: Sequence[str]) -> list[Record]:
        """Points with the digests of their passages, for as many as are there."""
        with translated():
            return self._edge.retrieve(list(identifiers), [PASSAGE], with_vector=False)

    def stored(self, identifiers: Sequence[str]) -> list[Record]:
        """Points with the digests of their passages and all their vectors; dear, as above."""
        with translated():
            return self._edge.retrieve(list(identifiers), [PASSAGE], with_vector=True)

    def close(self) -> None:
        """Write everything out and let the files go."""
        self.flush()
        with translated():
            self._edge.close()

    def _update(self, operation: UpdateOperation) -> None:
        with translated():
            self._edge.update(operation)


def create_shard(path: Path, dimensions: int, token_dimensions: int) -> None:
    """Make the files of an empty shard; token vectors where their dimensions are above 0."""
    exact = HnswIndexConfig(m=0, ef_construct=16, full_scan_threshold=0)
    vectors = {TEXT: EdgeVectorParams(dimensions, Distance.Cosine, hnsw_config=exact)}
    if token_dimensions:
        vectors[TOKENS] = EdgeVectorParams(
            token_dimensions,
            Distance.Dot,
            multivector_config=MultiVectorConfig(MultiVectorComparator.MaxSim),
            datatype=VectorStorageDatatype.Float16,
            hnsw_config=exact,
            memory=Memory.Cold,
        )
    config = EdgeConfig(vectors=vectors, hnsw_config=exact)
    _create_whole(path, config)
    # Edge makes one segment, keeps as many as it finds, and tells them apart by their folders'
    # names: the others come from twins of the shard.
    twin = path.with_name(f"{path.name}-twin")
    for _ in range(_SEGMENTS - 1):
        _create_whole(twin, config)
        for segment in (twin / _SEGMENT_FOLDER).iterdir():
            segment.rename(path / _SEGMENT_FOLDER / segment.name)
        shutil.rmtree(twin)


def _create_whole(path: Path, config: EdgeConfig) -> None:
    path.mkdir(parents=True)
    with translated():
        edge = EdgeShard.create(str(path), config)
        for name in (TERMS, READERS):
            edge.update(UpdateOperation.create_field_index(name, PayloadSchemaType.Keyword))
        edge.flush()
        edge.close()


def _synced(path: Path) -> bool:
    """Bring a file to the disk; False where it has another name by now."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return True


@contextmanager
def translated() -> Iterator[None]:
    """Turn Edge's errors into BackendUnavailable: it raises plain Exceptions, and panics."""
    try:
        yield
    except (WinnowError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a Rust panic is no Exception
        raise BackendUnavailable(
            f"The embedded vector index failed: {error}. Check that the data directory's disk "
            "has room and that no other process uses it."
        ) from error

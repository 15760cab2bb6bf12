"""Reads of one generation: the questions of the port, asked of Tantivy."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from tantivy import DocAddress, Order, Query, Searcher

from services.candidates import FacetValue, Hit, IndexedVersion, Run, Survey
from services.columns import from_stored
from services.documents import Chunk, ChunkRef
from services.embedded.lexical.compiler import (
    compile_constraints,
    compile_scope,
    compile_words,
    every,
    some,
    unscored,
)
from services.embedded.lexical.engine import Engine, addresses, count_rows
from services.embedded.lexical.rows import decode_chunk, row_key
from services.embedded.lexical.rowset import RowSet
from services.embedded.lexical.schema import BOOSTS, words_field
from services.filters import Filter
from services.queries import LexicalQuery, Scope, Sort

MAX_FACET_VALUES = 1_000
_COUNTED_VALUES = 65_000
"""Buckets that Tantivy hands out at most; a value beyond them can only lose a tie."""
_ALL_VALUES = 2**31
_SPARE = 28


def search(rows: RowSet, query: LexicalQuery, depth: int) -> Run:
    """The best chunks of every language asked for, in one list."""
    if query.words.empty or depth < 1:
        return []
    hits: list[Hit] = []
    for language in rows.searched(query.language):
        engine = rows.chunks[language]
        words = compile_words(query.words, language, engine, BOOSTS, "words")
        if words is not None:
            scope = compile_scope(query.scope, engine, rows.columns)
            hits.extend(_best(engine, every([words, *scope]), depth))
    hits.sort(key=lambda hit: (-hit.score, hit.ref))
    return hits[:depth]


def browse(
    rows: RowSet, query: LexicalQuery, sort: Sort | None, depth: int
) -> Sequence[IndexedVersion]:
    """Documents in the order of a column, or of their ids."""
    kind = rows.columns.kind(sort.key) if sort is not None else None
    column = rows.columns.column(sort.key, kind) if sort is not None and kind else None
    order = Order.Desc if sort is not None and sort.descending and column else Order.Asc
    return _ordered(rows.documents, _documents(rows, query), column or "id", order, depth)


def survey(rows: RowSet, query: LexicalQuery, facets: Mapping[str, Filter | None]) -> Survey:
    """Exact counts over the rows of documents."""
    searcher = rows.documents.searcher
    counted: dict[str, Sequence[FacetValue]] = {}
    for key, remaining in facets.items():
        scope = Scope(remaining, query.scope.rights)
        narrowed = _documents(rows, LexicalQuery(query.words, scope, query.language))
        counted[key] = _facet(rows, searcher, narrowed, key)
    return Survey(count_rows(searcher, _documents(rows, query)), counted)


def matching(rows: RowSet, query: LexicalQuery, ids: Sequence[str]) -> frozenset[str]:
    """Which documents hold the phrases and none of the excluded words."""
    documents = rows.documents
    judged = [
        every(
            [
                Query.term_query(documents.schema, "language", language, "basic"),
                compile_constraints(query.words, language, documents, words_field(language)),
            ]
        )
        for language in rows.written("")
    ]
    parts = [
        Query.term_set_query(documents.schema, "id", list(ids)),
        _live(documents),
        *compile_scope(query.scope, documents, rows.columns),
    ]
    if query.words.constrained:
        parts.append(some(judged))
    searcher = documents.searcher
    found = addresses(searcher, every(parts), len(ids))
    return frozenset(searcher.doc(address)["id"][0] for address in found)


def read(rows: RowSet, refs: Sequence[ChunkRef]) -> Mapping[ChunkRef, Chunk]:
    """The stored chunks under these names."""
    keys = [row_key(ref) for ref in refs]
    chunks: dict[ChunkRef, Chunk] = {}
    for engine in rows.chunks.values():
        searcher = engine.searcher
        query = Query.term_set_query(engine.schema, "key", keys)
        for address in addresses(searcher, query, len(keys)):
            chunk = _chunk(searcher, address)
            chunks[chunk.ref] = chunk
    return chunks


def versions(rows: RowSet, after: str, limit: int) -> Sequence[IndexedVersion]:
    """What is indexed, by document id."""
    documents = rows.documents
    ids = documents.keywords("id")
    start = bisect_right(ids, after)
    found: list[IndexedVersion] = []
    while len(found) < limit and start < len(ids):
        page = ids[start : start + limit]
        start += limit
        query = every([Query.term_set_query(documents.schema, "id", page), _live(documents)])
        found.extend(_ordered(documents, query, "id", Order.Asc, len(page)))
    return found[:limit]


def _best(engine: Engine, query: Query, depth: int) -> list[Hit]:
    """The best ``depth`` rows and all that tie with the last, so that ties can be broken by id.

    Tantivy breaks ties by the place of rows in its segments, which merges change.
    """
    searcher = engine.searcher
    limit = depth + _SPARE
    while True:
        hits = searcher.search(query, limit, count=False).hits
        if len(hits) < limit or hits[-1][0] < hits[depth - 1][0]:
            break
        limit *= 4
    if len(hits) > depth:
        last = hits[depth - 1][0]
        hits = [hit for hit in hits if hit[0] >= last]
    found = searcher.fast_field_values("version", [address for _, address in hits])
    return [
        Hit(_chunk(searcher, address).ref, int(version or 0), float(score))
        for (score, address), version in zip(hits, found, strict=True)
    ]


def _ordered(
    engine: Engine, query: Query, column: str, order: Order, depth: int
) -> list[IndexedVersion]:
    """Rows by a column, missing values last, ties by id: those at the cut are all fetched."""
    if depth < 1:
        return []
    searcher = engine.searcher
    limit = depth + _SPARE
    while True:
        hits = searcher.search(query, limit, count=False, order_by_field=column, order=order).hits
        if len(hits) < limit or hits[-1][0] != hits[depth - 1][0]:
            break
        limit *= 4
    places = {value: place for place, value in enumerate(dict.fromkeys(key for key, _ in hits))}
    found = [(places[key], _version(searcher, address)) for key, address in hits]
    found.sort(key=lambda item: (item[0], item[1].document_id))
    return [version for _, version in found[:depth]]


def _documents(rows: RowSet, query: LexicalQuery) -> Query:
    """Live documents that match words, filter and rights."""
    documents = rows.documents
    parts = [_live(documents), *compile_scope(query.scope, documents, rows.columns)]
    words = query.words
    if not words.empty:
        parts.append(some(_worded(rows, query)))
    elif words.excluded:
        parts.extend(
            compile_constraints(words, language, documents, words_field(language))
            for language in rows.written(query.language)
        )
    return every(parts)


def _worded(rows: RowSet, query: LexicalQuery) -> list[Query]:
    found = []
    for language in rows.written(query.language):
        name = words_field(language)
        words = compile_words(query.words, language, rows.documents, {name: 1.0}, name)
        if words is not None:
            of_language = Query.term_query(rows.documents.schema, "language", language, "basic")
            found.append(every([unscored(of_language), words]))
    return found


def _facet(rows: RowSet, searcher: Searcher, query: Query, key: str) -> Sequence[FacetValue]:
    kind = rows.columns.kind(key)
    column = rows.columns.column(key, kind) if kind is not None else None
    if kind is None or column is None:
        return ()
    # Every segment reports all of its values: with a cut in each, the sums would be wrong.
    wanted = {"field": column, "size": _COUNTED_VALUES, "segment_size": _ALL_VALUES}
    buckets = searcher.aggregate(query, {"values": {"terms": wanted}})["values"]["buckets"]
    counts = [
        FacetValue(from_stored(kind, bucket["key"]), int(bucket["doc_count"])) for bucket in buckets
    ]
    counts.sort(key=lambda counted: counted.value)
    counts.sort(key=lambda counted: -counted.count)
    return tuple(counts[:MAX_FACET_VALUES])


def _live(engine: Engine) -> Query:
    return unscored(Query.term_query(engine.schema, "live", True, "basic"))


def _chunk(searcher: Searcher, address: DocAddress) -> Chunk:
    row = searcher.doc(address)
    return decode_chunk(row["id"][0], bytes(row["chunk"][0]))


def _version(searcher: Searcher, address: DocAddress) -> IndexedVersion:
    row = searcher.doc(address)
    return IndexedVersion(row["id"][0], row["version"][0], row["chunks"][0])

"""What a generation's rows come to, document by document."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from heapq import merge

from tantivy import Order, Query

from services.candidates import Holding
from services.embedded.lexical.engine import Engine, count_rows
from services.embedded.lexical.rowset import RowSet


def names(rows: RowSet) -> Sequence[str]:
    """The ids, in order, of all documents that have, or had, a row of either kind.

    Asked once for a walk: every commit makes the engine's own list anew.
    """
    return list(dict.fromkeys(merge(*(engine.keywords("id") for engine in rows.engines()))))


def holdings(rows: RowSet, ids: Sequence[str]) -> Mapping[str, Holding]:
    """What is there of these documents, for as many as have left a trace."""
    found: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for engine in rows.chunks.values():
        _count_chunks(engine, ids, found)
    known = rows.known(ids)
    held: dict[str, Holding] = {}
    for identifier in dict.fromkeys(ids):
        record = known.get(identifier)
        if record is not None:
            held[identifier] = Holding(
                identifier, record.version, record.chunks, not record.live, found[identifier]
            )
        elif identifier in found:
            held[identifier] = Holding(identifier, 0, 0, True, found[identifier])
    return held


def _count_chunks(
    engine: Engine, ids: Sequence[str], found: defaultdict[str, Counter[int]]
) -> None:
    searcher = engine.searcher
    query = Query.term_set_query(engine.schema, "id", list(ids))
    limit = count_rows(searcher, query)
    if not limit:
        return
    hits = searcher.search(query, limit, count=False, order_by_field="id", order=Order.Asc).hits
    versions = searcher.fast_field_values("version", [address for _, address in hits])
    for (identifier, _), version in zip(hits, versions, strict=True):
        found[str(identifier)][int(version or 0)] += 1

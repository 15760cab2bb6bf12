"""Writes of one generation: several Tantivy indexes changed so that a crash can be repaired.

Each index commits for itself. A write therefore goes in this order: the new metadata
columns, the journal of what will change, the chunk indexes, the documents index, the end
of the journal. The documents row is the authority on a document's version, and it comes
last: a document whose row has the journal's version is complete. After a crash the
journal names the others. Where their chunks no longer agree with their row, both go, so
that the document counts as not indexed and the ledger, where its version is still
pending, has it written again; a deletion is simply finished.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tantivy import Document as Row
from tantivy import Query

from services.analysis.table import analyzer_of
from services.columns import metadata_kinds
from services.embedded.lexical.engine import Engine, addresses
from services.embedded.lexical.journal import Change
from services.embedded.lexical.rows import (
    chunk_rows,
    document_row,
    tombstone_row,
)
from services.embedded.lexical.rowset import Known, RowSet
from services.errors import InvalidDocument
from services.ports.lexical import LexicalEntry, Tombstone


@dataclass(frozen=True, slots=True)
class _Replacement:
    """The rows that take the place of a document's present ones; no chunks for a tombstone."""

    change: Change
    row: Row
    language: str = ""
    chunks: Sequence[Row] = ()


def write(
    rows: RowSet, entries: Sequence[LexicalEntry], tombstones: Sequence[Tombstone]
) -> Mapping[str, str]:
    """Index and delete; returns the reasons of what is refused for good, by document id."""
    repair(rows)
    newest = _newest(entries, tombstones)
    known = rows.known(list(newest))
    refused: dict[str, str] = {}
    replacements: list[_Replacement] = []
    for document_id, item in newest.items():
        if document_id in known and known[document_id].version >= item.version:
            continue
        try:
            replacements.append(_replacement(item, rows))
        except InvalidDocument as error:
            refused[document_id] = error.detail
        except ValueError as error:  # Tantivy's word for text that is not valid Unicode
            refused[document_id] = f"The text index cannot hold the document: {error}"
    if replacements:
        _replace(rows, replacements, known)
    return refused


def repair(rows: RowSet) -> None:
    """Bring the indexes of an unfinished write into agreement; quick where there is none."""
    changes = rows.journal.unfinished()
    if not changes:
        return
    known = rows.known([change.document_id for change in changes])
    for change in changes:
        _repair_one(rows, change, known.get(change.document_id))
    for engine in rows.engines():
        engine.commit()
    rows.journal.end()


def _newest(
    entries: Sequence[LexicalEntry], tombstones: Sequence[Tombstone]
) -> Mapping[str, LexicalEntry | Tombstone]:
    newest: dict[str, LexicalEntry | Tombstone] = {}
    for entry in entries:
        held = newest.get(entry.document.id)
        if held is None or held.version < entry.version:
            newest[entry.document.id] = entry
    for tombstone in tombstones:
        held = newest.get(tombstone.document_id)
        if held is None or held.version < tombstone.version:
            newest[tombstone.document_id] = tombstone
    return newest


def _replacement(item: LexicalEntry | Tombstone, rows: RowSet) -> _Replacement:
    if isinstance(item, Tombstone):
        change = Change(item.document_id, item.version, live=False)
        return _Replacement(change, tombstone_row(item))
    rows.columns.assign(metadata_kinds(item.document))
    return _Replacement(
        Change(item.document.id, item.version, live=True),
        document_row(item, rows.columns),
        analyzer_of(item.document.language).language,
        chunk_rows(item, rows.columns),
    )


def _replace(
    rows: RowSet, replacements: Sequence[_Replacement], known: Mapping[str, Known]
) -> None:
    rows.columns.save()
    rows.journal.begin([replacement.change for replacement in replacements])
    touched: dict[str, Engine] = {}
    try:
        for replacement in replacements:
            held = known.get(replacement.change.document_id)
            _replace_chunks(rows, replacement, held, touched)
            _delete(rows.documents, replacement.change.document_id)
            rows.documents.writer.add_document(replacement.row)
        for engine in touched.values():
            engine.commit()
        rows.documents.commit()
    except BaseException:
        for engine in rows.engines():
            engine.abandon()
        raise
    rows.journal.end()


def _replace_chunks(
    rows: RowSet, replacement: _Replacement, held: Known | None, touched: dict[str, Engine]
) -> None:
    if held is not None and held.chunks:
        old = touched[held.language] = rows.chunks_of(held.language)
        _delete(old, replacement.change.document_id)
    if replacement.chunks:
        new = touched[replacement.language] = rows.chunks_of(replacement.language)
        for row in replacement.chunks:
            new.writer.add_document(row)


def _repair_one(rows: RowSet, change: Change, held: Known | None) -> None:
    document_id = change.document_id
    if held is not None and held.version >= change.version:
        return
    if change.live and _agree(rows, document_id, held):
        return
    for engine in rows.chunks.values():
        _delete(engine, document_id)
    if not change.live:
        _delete(rows.documents, document_id)
        rows.documents.writer.add_document(tombstone_row(Tombstone(document_id, change.version)))
    elif held is not None and held.live:
        _delete(rows.documents, document_id)


def _agree(rows: RowSet, document_id: str, held: Known | None) -> bool:
    """Whether the chunks are just those of the version in the document's row."""
    versions: list[object] = []
    for engine in rows.chunks.values():
        searcher = engine.searcher
        query = Query.term_query(engine.schema, "id", document_id, "basic")
        found = addresses(searcher, query, max(1, searcher.num_docs))
        versions.extend(searcher.fast_field_values("version", found))
    return versions == ([held.version] * held.chunks if held is not None else [])


def _delete(engine: Engine, document_id: str) -> None:
    engine.writer.delete_documents_by_term("id", document_id)

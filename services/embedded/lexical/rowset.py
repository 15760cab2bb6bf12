"""The Tantivy indexes of one generation: documents, and chunks of each language."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from tantivy import Query

from services.analysis.table import ANALYZERS
from services.embedded.lexical.columns import Columns
from services.embedded.lexical.engine import Engine, addresses
from services.embedded.lexical.journal import Journal
from services.embedded.lexical.schema import chunk_schema, document_schema

_CHUNKS = "chunks-"


@dataclass(frozen=True, slots=True)
class Known:
    """What the documents index holds under an id; not ``live`` stands for a tombstone."""

    document_id: str
    version: int
    chunks: int
    live: bool
    language: str


class RowSet:
    """Everything of one generation in one folder.

    ::

        documents/     a Tantivy index: a row for each document or tombstone
        chunks-<xx>/   a Tantivy index for each language that has had chunks
        columns.json   metadata keys and their columns
        journal.json   only while a write is under way, or after a crash in one
    """

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._adding = Lock()
        self.columns = Columns(path / "columns.json")
        self.journal = Journal(path / "journal.json")
        self.documents = Engine(path / "documents", document_schema(), ANALYZERS)
        self.chunks: Mapping[str, Engine] = {
            language: self._open(language)
            for language in ANALYZERS
            if (path / f"{_CHUNKS}{language}").is_dir()
        }

    def chunks_of(self, language: str) -> Engine:
        """The language's index of chunks, created where there is none."""
        with self._adding:
            if language not in self.chunks:
                # A new mapping, so that a search that goes through the old one is not disturbed.
                self.chunks = {**self.chunks, language: self._open(language)}
            return self.chunks[language]

    def searched(self, language: str) -> Sequence[str]:
        """The languages whose chunks to search: the given one, or with "" all that have any."""
        return [
            present
            for present, engine in self.chunks.items()
            if language in ("", present) and engine.searcher.num_docs
        ]

    def written(self, language: str) -> Sequence[str]:
        """The languages whose documents to judge: the given one, or with "" all that have any."""
        present = self.documents.keywords("language")
        return [known for known in present if language in ("", known)]

    def known(self, ids: Sequence[str]) -> Mapping[str, Known]:
        """What is held under each of these ids."""
        searcher = self.documents.searcher
        query = Query.term_set_query(self.documents.schema, "id", list(ids))
        rows = [searcher.doc(address) for address in addresses(searcher, query, len(ids))]
        found = (
            Known(
                row["id"][0],
                row["version"][0],
                row["chunks"][0],
                row["live"][0],
                (row.get_first("language") or ""),
            )
            for row in rows
        )
        return {known.document_id: known for known in found}

    def engines(self) -> Iterator[Engine]:
        """Every index, the documents last."""
        yield from self.chunks.values()
        yield self.documents

    def release(self) -> None:
        """Give the writers and their locks back; what was committed stays."""
        for engine in self.engines():
            engine.abandon()

    def _open(self, language: str) -> Engine:
        return Engine(self._path / f"{_CHUNKS}{language}", chunk_schema(language), (language,))

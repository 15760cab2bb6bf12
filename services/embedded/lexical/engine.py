"""One Tantivy index: opened cheaply, written lazily, its errors translated."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tantivy import DocAddress, Index, IndexWriter, Query, Schema, Searcher

from services.analysis.table import ANALYZERS
from services.analysis.terms import build_analyzer
from services.embedded.lexical.schema import analyzer_name
from services.errors import BackendUnavailable

_WRITER_BYTES = 32 * 2**20  # Tantivy wants 15 MB at least; more only makes larger first segments


@contextmanager
def translated(action: str) -> Iterator[None]:
    """Raise BackendUnavailable for what Tantivy raises, its panics included.

    A panic arrives as pyo3's PanicException, a BaseException that ``except Exception``
    lets pass and that no module exports, so its name is all there is to know it by.
    """
    try:
        yield
    except (ValueError, OSError, RuntimeError) as error:
        raise BackendUnavailable(f"The text index could not {action}: {error}") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise BackendUnavailable(
            f"The text index failed inside its engine and could not {action}: {error}"
        ) from error


class Engine:
    """An index in a folder, created where there is none.

    Reading is safe from several threads; writing is for one thread at a time. The writer,
    with its threads and its lock on the folder, comes with the first write, so that
    commands that only read stay quick.
    """

    def __init__(self, path: Path, schema: Schema, languages: Iterable[str]) -> None:
        path.mkdir(parents=True, exist_ok=True)
        with translated(f"open {path.name}"):
            self._index = Index(schema, str(path))
            # Tantivy keeps the names of analyzers, not the analyzers: register at every open.
            for language in languages:
                self._index.register_tokenizer(
                    analyzer_name(language), build_analyzer(ANALYZERS[language])
                )
            self._index.config_reader(reload_policy="manual")
            self._index.reload()
            self.searcher: Searcher = self._index.searcher()
        self.schema = schema
        self._writer: IndexWriter | None = None
        self._keywords: dict[str, Sequence[str]] = {}

    @property
    def writer(self) -> IndexWriter:
        """The index's one writer; one thread keeps the order of rows that of their writing."""
        if self._writer is None:
            self._writer = self._index.writer(_WRITER_BYTES, 1)
            # A process that died in a commit leaves files that the next commit would have to
            # make again, and Tantivy overwrites none.
            self._writer.garbage_collect_files()
        return self._writer

    def commit(self) -> None:
        """Make everything written last and visible."""
        self.writer.commit()
        self._index.reload()
        self.searcher = self._index.searcher()
        self._keywords = {}  # after the searcher: who fills the new cache asks the new searcher

    def abandon(self) -> None:
        """Forget what was written since the last commit, with the writer that may have failed."""
        self._writer = None

    def keywords(self, column: str) -> Sequence[str]:
        """Every value of a keyword column in the order of code points."""
        known = self._keywords
        if column not in known:
            # They come by falling count.
            known[column] = sorted(
                value for value, _ in self.searcher.terms_with_prefix(column, "")
            )
        return known[column]


def addresses(searcher: Searcher, query: Query, limit: int) -> list[DocAddress]:
    """Up to ``limit`` rows that match, in no particular order.

    An address means something to the searcher that gave it, and to no other.
    """
    if limit < 1:
        return []
    return [address for _, address in searcher.search(query, limit, count=False).hits]


def count_rows(searcher: Searcher, query: Query) -> int:
    """How many rows match, exactly."""
    found: int = searcher.search(query, 1, count=True).count  # type: ignore[attr-defined]  # the stub lacks it
    return found

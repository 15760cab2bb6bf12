"""Judged collections in the BEIR layout (Thakur et al. 2021, arXiv 2104.08663).

``corpus.jsonl`` holds ``{"_id", "title", "text"}``, ``queries.jsonl`` ``{"_id", "text"}``,
and ``qrels/<split>.tsv`` three columns: query id, document id and a whole-numbered grade.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from services.errors import InvalidInput

Judgments = Mapping[str, Mapping[str, int]]
"""Grades by query id, then document id; 0 is judged and not relevant."""


@dataclass(frozen=True, slots=True)
class CorpusDocument:
    """One line of ``corpus.jsonl``."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class JudgedCollection:
    """A folder with the judged queries of one split.

    Attributes:
        queries: text by query id, only those with judgments, in the file's order.
        judgments: grades of exactly these queries.
        corpus_hash: SHA-256 of ``corpus.jsonl``.
    """

    folder: Path
    split: str
    queries: Mapping[str, str]
    judgments: Judgments
    corpus_hash: str

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    def documents(self) -> Iterator[CorpusDocument]:
        """The corpus, one document at a time; InvalidInput names the line that is wrong."""
        return read_corpus(self.folder / "corpus.jsonl")


def read_corpus(path: Path) -> Iterator[CorpusDocument]:
    """The documents of a ``corpus.jsonl``; InvalidInput names the line that is wrong."""
    seen: set[str] = set()
    for line, fields in _json_lines(path):
        identifier = _identifier(path, line, fields, seen)
        title = _text(path, line, fields, "title")
        yield CorpusDocument(identifier, title, _text(path, line, fields, "text"))


def read_collection(
    folder: Path, split: str = "test", limit: int | None = None
) -> JudgedCollection:
    """Read a folder's queries and judgments; its documents are streamed when asked for.

    Args:
        folder: where the files lie.
        split: which file of ``qrels/`` holds the judgments.
        limit: keep the first so many judged queries.

    Raises:
        InvalidInput: a file is absent or a line of it is wrong; the message names both.
    """
    judged = read_judged_queries(folder, split, limit)
    folder = folder.expanduser().resolve()
    return JudgedCollection(
        folder=folder,
        split=split,
        queries=judged.queries,
        judgments=judged.judgments,
        corpus_hash=_hash(_existing(folder / "corpus.jsonl")),
    )


@dataclass(frozen=True, slots=True)
class JudgedQueries:
    """Queries by id with the grades of exactly these."""

    queries: Mapping[str, str]
    judgments: Judgments


def read_judged_queries(
    folder: Path, split: str = "test", limit: int | None = None
) -> JudgedQueries:
    """Read a folder's judged queries, in the file's order; its documents are not needed.

    Raises:
        InvalidInput: a file is absent or a line of it is wrong; the message names both.
    """
    folder = folder.expanduser().resolve()
    judgments = _read_judgments(folder, split)
    texts = _read_queries(folder / "queries.jsonl")
    unknown = next((query for query in judgments if query not in texts), None)
    if unknown is not None:
        raise InvalidInput(
            f"qrels/{split}.tsv judges the query {unknown!r}, which queries.jsonl does not hold: "
            "add the query or remove its judgments."
        )
    judged = [query for query in texts if query in judgments][:limit]
    return JudgedQueries(
        {query: texts[query] for query in judged},
        {query: judgments[query] for query in judged},
    )


def _read_queries(path: Path) -> dict[str, str]:
    queries: dict[str, str] = {}
    for line, fields in _json_lines(path):
        identifier = _identifier(path, line, fields, queries)
        queries[identifier] = _text(path, line, fields, "text")
    return queries


def _read_judgments(folder: Path, split: str) -> dict[str, dict[str, int]]:
    path = folder / "qrels" / f"{split}.tsv"
    if folder.is_dir() and not path.is_file():
        splits = sorted(found.stem for found in path.parent.glob("*.tsv"))
        offered = f"the splits here are: {', '.join(splits)}" if splits else "there is none at all"
        raise InvalidInput(f"{folder} has no qrels/{split}.tsv; {offered}.")
    judgments: dict[str, dict[str, int]] = {}
    for line, row in _lines(path):
        columns = row.split("\t")
        if line == 1 and columns[-1].strip().lower() == "score":
            continue
        query, document, grade = _judgment(path, line, columns)
        judgments.setdefault(query, {})[document] = grade
    if not judgments:
        raise InvalidInput(f"{path} holds no judgments: nothing can be measured against it.")
    return judgments


def _judgment(path: Path, line: int, columns: list[str]) -> tuple[str, str, int]:
    try:
        query, document, grade = (column.strip() for column in columns)
        return query, document, int(grade)
    except ValueError:
        raise _fault(
            path, line, "needs query id, document id and a whole number, parted by tabs"
        ) from None


def _json_lines(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    for line, row in _lines(path):
        try:
            fields = orjson.loads(row)
        except orjson.JSONDecodeError as error:
            raise _fault(path, line, f"is not JSON ({error})") from None
        if not isinstance(fields, dict):
            raise _fault(path, line, "is not a JSON object")
        yield line, fields


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, with their number from 1; a byte order mark is skipped."""
    number = 0
    try:
        with _existing(path).open(encoding="utf-8-sig", newline="\n") as file:
            for number, row in enumerate(file, start=1):
                if row.strip():
                    yield number, row
    except UnicodeDecodeError as error:
        raise _fault(path, number + 1, f"is not UTF-8 ({error.reason})") from None


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise InvalidInput(
            f"There is no {path}: a judged collection has corpus.jsonl, queries.jsonl "
            "and qrels/<split>.tsv."
        )
    return path


def _identifier(
    path: Path, line: int, fields: dict[str, object], seen: set[str] | dict[str, str]
) -> str:
    raw = fields.get("_id")
    identifier = str(raw) if isinstance(raw, (str, int)) and not isinstance(raw, bool) else ""
    if not identifier:
        raise _fault(path, line, 'has no "_id"')
    if identifier in seen:
        raise _fault(path, line, f"repeats the id {identifier!r}")
    if isinstance(seen, set):
        seen.add(identifier)
    return identifier


def _text(path: Path, line: int, fields: dict[str, object], key: str) -> str:
    value = fields.get(key)
    if isinstance(value, str):
        return value
    if value is None and key == "title":
        return ""
    raise _fault(path, line, f'has no "{key}" that is a string')


def _fault(path: Path, line: int, what: str) -> InvalidInput:
    return InvalidInput(f"{path}, line {line} {what}.")


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

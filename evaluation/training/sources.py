"""Reads judgments: BEIR folders, files of pairs, click logs; those of one corpus together."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from evaluation.collections import CorpusDocument, read_collection, read_corpus
from evaluation.training.clicks import Impression, judgments_of
from evaluation.training.judged import Judged, JudgedQuery
from evaluation.training.recipe import SourceChoice
from services.errors import InvalidInput

_Row = tuple[int, dict[str, Any]]

_ID_LENGTH = 20
_ASKED = frozenset({"question", "claim"})


@dataclass(slots=True)
class _Corpus:
    """What is collected of the sources that share a corpus."""

    documents: dict[str, CorpusDocument] = field(default_factory=dict)
    queries: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)


def read_sources(choices: Sequence[SourceChoice], root: Path) -> list[Judged]:
    """The judgments of a recipe, by corpus.

    Args:
        root: what the choices' paths are below.

    Raises:
        InvalidInput: nothing to learn from, or a file that is not one of these; names the
            file and the line.
    """
    if not choices:
        raise InvalidInput("There is nothing to learn from: name a source of judgments.")
    corpora: dict[str, _Corpus] = {}
    for choice in choices:
        corpus = corpora.setdefault(choice.corpus or choice.path, _Corpus())
        path = (root / choice.path).expanduser()
        if path.is_dir():
            _add_folder(corpus, choice, path)
        else:
            _add_file(corpus, choice, path, root)
    return [_judged(name, corpus) for name, corpus in corpora.items()]


def source_name(choice: SourceChoice) -> str:
    """What a source is called in figures and cards."""
    path = Path(choice.path)
    return (path.name == "pairs.jsonl" and path.parent.name) or path.stem


def _add_folder(corpus: _Corpus, choice: SourceChoice, path: Path) -> None:
    collection = read_collection(path, choice.split)
    corpus.documents.update((each.id, each) for each in collection.documents())
    _add(
        corpus,
        choice,
        {text: collection.judgments[query] for query, text in collection.queries.items()},
    )


def _add_file(corpus: _Corpus, choice: SourceChoice, path: Path, root: Path) -> None:
    rows = list(_rows(path))
    if choice.language:
        rows = [(line, row) for line, row in rows if row.get("lang") == choice.language]
    if rows and "clicked" in rows[0][1]:
        if not choice.documents:
            raise InvalidInput(
                f"{path} is a click log: name the corpus.jsonl that holds its documents."
            )
        documents = read_corpus((root / choice.documents).expanduser())
        corpus.documents.update((each.id, each) for each in documents)
        _add(corpus, choice, judgments_of(_impression(path, line, row) for line, row in rows))
        return
    judgments: dict[str, dict[str, int]] = {}
    for line, row in _chosen(rows, choice.limit):
        _add_pair(corpus, judgments, path, line, row)
    _add(corpus, choice, judgments)


def _chosen(rows: list[_Row], limit: int) -> list[_Row]:
    """So many lines of pairs by the hash of their text, what people asked before the rest."""

    def key(numbered: _Row) -> str:
        _, row = numbered
        return hashlib.sha256(f"r{row.get('query')}{row.get('positive')}".encode()).hexdigest()

    rows = sorted(rows, key=key)
    if limit and limit < len(rows):
        rows.sort(key=lambda numbered: numbered[1].get("kind", "question") not in _ASKED)
        rows = rows[:limit]
    return rows


def _add(corpus: _Corpus, choice: SourceChoice, judgments: dict[str, Any]) -> None:
    """Queries with an answer in the corpus, as many as the choice takes."""
    name = source_name(choice)
    corpus.weights[name] = choice.weight
    answered = [
        query
        for query, grades in judgments.items()
        if any(grade > 0 and document in corpus.documents for document, grade in grades.items())
    ]
    answered.sort(key=lambda query: hashlib.sha256(query.encode()).digest())
    for query in answered[: choice.limit or None]:
        corpus.queries.setdefault((name, query), {}).update(judgments[query])


def _add_pair(
    corpus: _Corpus,
    judgments: dict[str, dict[str, int]],
    path: Path,
    line: int,
    row: dict[str, Any],
) -> None:
    """A line of pairs: the positive's title is the document's, negatives have none of their own."""
    query = _string(path, line, row, "query")
    title = str(row.get("title") or "")
    grades = judgments.setdefault(query, {})
    positives = row.get("positives") or [_string(path, line, row, "positive")]
    for grade, texts in ((1, positives), (0, row.get("negatives") or ())):
        for text in texts:
            identifier = _text_id(str(text))
            corpus.documents.setdefault(identifier, CorpusDocument(identifier, title, str(text)))
            grades[identifier] = max(grade, grades.get(identifier, 0))
    for text in row.get("unjudged") or ():
        identifier = _text_id(str(text))
        corpus.documents.setdefault(identifier, CorpusDocument(identifier, title, str(text)))


def _impression(path: Path, line: int, row: dict[str, Any]) -> Impression:
    clicked = row.get("clicked")
    clicks = [clicked] if isinstance(clicked, str) else clicked
    shown = row.get("shown") or clicks
    if not isinstance(clicks, list) or not isinstance(shown, list):
        raise InvalidInput(f'{path}, line {line} needs lists of ids in "shown" and "clicked".')
    query = _string(path, line, row, "query")
    return Impression(query, [str(each) for each in shown], frozenset(str(each) for each in clicks))


def _judged(name: str, corpus: _Corpus) -> Judged:
    if not corpus.queries:
        raise InvalidInput(
            f"No query of {name} has an answer among its documents: check that they "
            "belong together."
        )
    queries = [
        JudgedQuery(text, source, grades, corpus.weights[source])
        for (source, text), grades in corpus.queries.items()
    ]
    digest = hashlib.sha256()
    for document in corpus.documents.values():
        digest.update(orjson.dumps([document.id, document.title, document.text]))
    for query in queries:
        digest.update(orjson.dumps([query.source, query.text, dict(query.grades)]))
    return Judged(name, queries, list(corpus.documents.values()), digest.hexdigest())


def _rows(path: Path) -> Iterator[_Row]:
    try:
        with path.open("rb") as file:
            for line, raw in enumerate(file, start=1):
                if raw.strip():
                    row = orjson.loads(raw)
                    if not isinstance(row, dict):
                        raise InvalidInput(f"{path}, line {line} is not a JSON object.")
                    yield line, row
    except OSError as error:
        raise InvalidInput(f"The judgments {path} cannot be read ({error.strerror}).") from None
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"{path}, line {line} is not JSON ({error}).") from None


def _string(path: Path, line: int, row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    if isinstance(value, str) and value.strip():
        return value
    raise InvalidInput(f'{path}, line {line} has no "{key}".')


def _text_id(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_ID_LENGTH]

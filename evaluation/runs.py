"""Run files in the format of TREC: ``query Q0 document rank score tag``."""

from collections.abc import Iterator
from pathlib import Path

from evaluation.measures import RankedLists
from services.errors import InvalidInput


def write_run(path: Path, lists: RankedLists, tag: str) -> None:
    """Write ranked lists as a run file.

    trec_eval orders by the score column and ignores the rank. A list that was reranked in
    its upper part has scores of two kinds, so the score written is the length of the list
    less the rank plus one: every reader sees the order that the user saw.

    Raises:
        InvalidInput: an id holds white space, which the format cannot hold.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(_rows(lists, tag)), encoding="utf-8")


def _rows(lists: RankedLists, tag: str) -> Iterator[str]:
    for query, documents in lists.items():
        for place, document in enumerate(documents):
            columns = (query, "Q0", document, str(place + 1), str(len(documents) - place), tag)
            _check_columns(columns)
            yield " ".join(columns) + "\n"


def _check_columns(columns: tuple[str, ...]) -> None:
    spaced = next((column for column in columns if len(column.split()) != 1), None)
    if spaced is not None:
        raise InvalidInput(
            f"The id {spaced!r} holds white space, which parts the columns of a TREC run file: "
            "leave out --runs, or use ids without it."
        )

"""Training groups: a query, a passage that answers it, and passages that only seem to."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from services.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Mined:
    """A passage as the collection's own retrieval found it for a query.

    Attributes:
        text: what a reranker reads of it: title, headings and text.
        grade: as judged; None where nobody judged it.
        prior: its logit in the order before a cross-encoder (late interaction's blend).
        cosine: to the query; rank: in that order, from 1.
    """

    document: str
    text: str
    grade: int | None
    prior: float
    cosine: float
    rank: int


@dataclass(frozen=True, slots=True)
class Group:
    """One example: what must be told apart.

    Attributes:
        source: the data that it is from; weight: how often that is drawn.
        passages: those that answer first, then the others in the order of their ranks.
    """

    query: str
    source: str
    weight: float
    passages: Sequence[Mined]

    @property
    def grades(self) -> list[int]:
        """A gain for each passage; what nobody judged and the guard let through is 0."""
        return [max(passage.grade or 0, 0) for passage in self.passages]


def write_groups(path: Path, groups: Iterable[Group]) -> int:
    """Write JSON Lines, whole or not at all; returns how many."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    count = 0
    with unfinished.open("wb") as file:
        for group in groups:
            file.write(orjson.dumps(asdict(group)) + b"\n")
            count += 1
    unfinished.replace(path)
    return count


def read_groups(path: Path) -> Iterator[Group]:
    """Read what :func:`write_groups` wrote; InvalidInput for anything else."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                fields = orjson.loads(line)
                passages = tuple(Mined(**passage) for passage in fields.pop("passages"))
                yield Group(**fields, passages=passages)
            except (orjson.JSONDecodeError, TypeError, KeyError) as error:
                raise InvalidInput(
                    f"{path}, line {number} is no training group ({error}): remove the file, "
                    "and it is mined again."
                ) from None

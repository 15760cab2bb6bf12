"""What training starts from: queries with graded documents, and the corpus they stand in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluation.collections import CorpusDocument


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A query and what is known of documents that answer it.

    Attributes:
        grades: by document id; above 0 answers, 0 was judged and does not. What is absent
            was never judged.
        weight: how often it is drawn beside others.
    """

    text: str
    source: str
    grades: Mapping[str, int]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Judged:
    """The judgments over one corpus.

    Attributes:
        name: of the corpus.
        digest: SHA-256 over everything that was read.
    """

    name: str
    queries: Sequence[JudgedQuery]
    documents: Sequence[CorpusDocument]
    digest: str

"""Clicks as judgments: a clicked document answers, one that was skipped on the way does not.

"Click > skip above" (Joachims 2002, "Optimizing search engines using clickthrough data"):
users read from the top, so what stands above a click was seen and not chosen. A document
below the last click may never have been seen, so nothing is said of it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

FEWEST_SKIPS = 2
CLICK_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Impression:
    """One result list as somebody saw it: document ids, best first, and those clicked."""

    query: str
    shown: Sequence[str]
    clicked: frozenset[str]


def judgments_of(impressions: Iterable[Impression]) -> dict[str, dict[str, int]]:
    """Grades by query, then document id.

    A document answers (1) if it was clicked in at least :data:`CLICK_SHARE` of the times
    that it was seen; it does not (0) if it was skipped :data:`FEWEST_SKIPS` times and never
    clicked. Queries without an answer are left out.
    """
    clicked: dict[str, Counter[str]] = defaultdict(Counter)
    skipped: dict[str, Counter[str]] = defaultdict(Counter)
    for impression in impressions:
        query = " ".join(impression.query.split())
        places = [
            place for place, shown in enumerate(impression.shown) if shown in impression.clicked
        ]
        clicked[query].update(impression.clicked)
        above = impression.shown[: max(places, default=0)]
        skipped[query].update(set(above) - impression.clicked)
    graded = {query: _grades(clicks, skipped[query]) for query, clicks in clicked.items()}
    return {query: grades for query, grades in graded.items() if any(grades.values())}


def _grades(clicked: Mapping[str, int], skipped: Mapping[str, int]) -> dict[str, int]:
    grades = {
        document: 1
        for document, clicks in clicked.items()
        if clicks >= CLICK_SHARE * (clicks + skipped.get(document, 0))
    }
    for document, skips in skipped.items():
        if document not in clicked and skips >= FEWEST_SKIPS:
            grades[document] = 0
    return grades

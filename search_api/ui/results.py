"""Results as the page shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from search_api.answer import Explanation, LegExplanation, PassageAnswer, Result
from search_api.ui.excerpts import Excerpt, Segment, excerpt, segments
from search_api.ui.wording import key_label, value_label

_MAX_CHIPS = 8
_MAX_CHIP_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class PassageView:
    """A passage in full, with the headings it stands under."""

    headings: tuple[str, ...]
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class ExplainRow:
    """One line of "why this result": a stage, the rank it gave, its score."""

    stage: str
    rank: str
    score: str


@dataclass(frozen=True, slots=True)
class ResultView:
    """A result.

    Attributes:
        href: the document's address, "" where it has none that is safe to follow.
        source: where it comes from, in short: host and path, else the id.
        passages: all passages in full; empty where the excerpt says everything.
    """

    rank: int
    title: str
    href: str
    source: str
    language: str
    headings: tuple[str, ...]
    excerpt: Excerpt | None
    passages: tuple[PassageView, ...]
    chips: tuple[tuple[str, str], ...]
    explain: tuple[ExplainRow, ...]
    explain_notes: tuple[str, ...]


def result_view(result: Result) -> ResultView:
    """Make a result ready for the template."""
    first = result.passages[0] if result.passages else None
    shown = excerpt(first.text, first.highlights) if first else None
    all_said = shown is None or (not shown.cut and len(result.passages) == 1)
    href = safe_href(result.url)
    return ResultView(
        rank=result.rank,
        title=result.title.strip() or result.id,
        href=href,
        source=_source(href) or result.id,
        language=result.language if result.language != "und" else "",
        headings=tuple(first.headings) if first else (),
        excerpt=shown,
        passages=() if all_said else tuple(_passage(each) for each in result.passages),
        chips=_chips(result.metadata),
        explain=_rows(result.explain) if result.explain else (),
        explain_notes=_notes(result.explain) if result.explain else (),
    )


def safe_href(url: str) -> str:
    """The address if a browser may follow it from a page that strangers' documents fill.

    Only http and https with a host: ``javascript:``, ``data:`` and addresses with control
    characters, which browsers strip before they read the scheme, lead nowhere.
    """
    if any(character.isspace() or not character.isprintable() for character in url):
        return ""
    try:
        parts = urlsplit(url)
        return url if parts.scheme in ("http", "https") and parts.hostname else ""
    except ValueError:
        return ""


def _source(href: str) -> str:
    if not href:
        return ""
    parts = urlsplit(href)
    steps = [step for step in parts.path.split("/") if step]
    return " › ".join([parts.hostname or "", *steps])


def _passage(passage: PassageAnswer) -> PassageView:
    return PassageView(tuple(passage.headings), segments(passage.text, passage.highlights))


def _chips(metadata: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    shown = [(key_label(key), value_label(value)) for key, value in metadata.items()]
    return tuple((key, _shorten(value)) for key, value in shown[:_MAX_CHIPS] if value)


def _shorten(text: str) -> str:
    cut = text[: _MAX_CHIP_CHARACTERS - 1].rstrip()
    return text if len(text) <= _MAX_CHIP_CHARACTERS else f"{cut}…"


def _rows(explain: Explanation) -> tuple[ExplainRow, ...]:
    rows = [
        _leg("Words (BM25)", explain.lexical),
        _leg("Meaning (vectors)", explain.vector),
        ExplainRow("Fused (RRF)", _rank(explain.fused_rank), _score(explain.fused, 4)),
    ]
    if explain.late is not None:
        rows.append(ExplainRow("Late interaction", "–", _score(explain.late, 3)))
    rows.append(ExplainRow("Reranking window", _rank(explain.window_rank), "–"))
    rows.append(ExplainRow("Cross-encoder", "–", _score(explain.cross_encoder, 3)))
    return tuple(rows)


def _leg(name: str, leg: LegExplanation | None) -> ExplainRow:
    if leg is None:
        return ExplainRow(name, "not found", "–")
    return ExplainRow(name, _rank(leg.rank), _score(leg.score, 3))


def _rank(rank: int | None) -> str:
    return "–" if rank is None else f"{rank}"


def _score(score: float | None, digits: int) -> str:
    return "–" if score is None else f"{score:.{digits}f}"


def _notes(explain: Explanation) -> tuple[str, ...]:
    notes = []
    if explain.winning_chunk is not None:
        notes.append(f"Passage {explain.winning_chunk + 1} of the document made its score.")
    if explain.aggregation and len(explain.chunks) > 1:
        notes.append(f"{_listing(explain.chunks)} counted, by the rule “{explain.aggregation}”.")
    if explain.truncated:
        notes.append("The cross-encoder read only the beginning of this passage.")
    return tuple(notes)


def _listing(chunks: Sequence[int]) -> str:
    return "Passages " + ", ".join(str(ordinal + 1) for ordinal in chunks)

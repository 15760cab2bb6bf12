"""Everything that the templates show of a state and its answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from search_api.answer import SearchAnswer
from search_api.request import Mode, Rerank
from search_api.ui.facet_groups import FacetGroup, facet_groups
from search_api.ui.results import ResultView, result_view
from search_api.ui.state import PageState
from search_api.ui.wording import (
    as_sentence,
    count_sentence,
    degraded_sentences,
    duration,
    key_label,
    ran_sentence,
    stage_name,
    value_label,
    window_sentence,
)
from services.collections import Collection, FieldType

MODES = ((Mode.HYBRID, "Hybrid"), (Mode.LEXICAL, "Words"), (Mode.VECTOR, "Meaning"))
RERANKS = (
    (Rerank.AUTO, "Best there is"),
    (Rerank.CROSS_ENCODER, "Cross-encoder"),
    (Rerank.NONE, "Off"),
)
_ENDS = {
    FieldType.KEYWORD: ("A to Z", "Z to A"),
    FieldType.DATE: ("oldest first", "newest first"),
    FieldType.BOOLEAN: ("no first", "yes first"),
}


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of a list of choices; ``value`` is a form's value or an address."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class AnswerView:
    """A search's answer.

    Attributes:
        headline: how many documents match; also what a screen reader is told.
        stages: name, time and candidates of each stage.
        suggestions: where to go on when nothing was found, as (address, sentence).
        more: the address of the next page, "" at the end; ``first`` that of the first one.
    """

    headline: str
    summary: str
    results: tuple[ResultView, ...]
    facets: tuple[FacetGroup, ...]
    active: tuple[Option, ...]
    degraded: tuple[str, ...]
    notes: tuple[str, ...]
    stages: tuple[tuple[str, str, str], ...]
    models: tuple[str, ...]
    window: str
    suggestions: tuple[tuple[str, str], ...]
    more: str
    first: str
    has_meaning: bool


def answer_view(answer: SearchAnswer, state: PageState) -> AnswerView:
    """Make an answer ready for the templates."""
    said = [duration(answer.took_ms), ran_sentence(answer), "from the cache" * answer.cached]
    return AnswerView(
        headline=count_sentence(answer.total),
        summary=" · ".join(part for part in said if part),
        results=tuple(result_view(result) for result in answer.results),
        facets=facet_groups(answer.facets, state),
        active=tuple(
            Option(state.without(key, text), f"{key_label(key)}: {_chosen_label(text)}", True)
            for key, text in state.chosen
        ),
        degraded=tuple(degraded_sentences(answer.degraded)),
        notes=tuple(as_sentence(note) for note in answer.notes),
        stages=tuple(
            (stage_name(stage.name), f"{stage.ms:,.1f}", f"{stage.candidates:,}")
            for stage in answer.stages
        ),
        models=tuple(
            f"{model.name} ({', '.join(filter(None, (model.precision, model.device)))})"
            for model in answer.models.values()
        ),
        window=window_sentence(answer.window) if answer.window and answer.window.size else "",
        suggestions=_suggestions(state),
        more=state.url(next=answer.next) if answer.next else "",
        first=state.url(next="") if state.next else "",
        has_meaning=any(
            span.kind == "meaning"
            for result in answer.results
            for passage in result.passages
            for span in passage.highlights
        ),
    )


def collection_options(collections: Sequence[Collection], state: PageState) -> tuple[Option, ...]:
    """Links to the other collections; choices of one mean nothing in another."""
    return tuple(
        Option(
            state.url(collection=each.name, chosen=(), sort="", next=""),
            each.name,
            each.name == state.collection,
        )
        for each in collections
    )


def sort_options(collection: Collection | None, state: PageState) -> tuple[Option, ...]:
    """Relevance, and each declared key in both directions."""
    options = [Option("", "Relevance", not state.sort)]
    for key, kind in collection.schema.fields.items() if collection else ():
        rising, falling = _ENDS.get(kind, ("lowest first", "highest first"))
        for value, end in ((key, rising), (f"-{key}", falling)):
            options.append(Option(value, f"{key_label(key)}, {end}", state.sort == value))
    return tuple(options)


def _chosen_label(text: str) -> str:
    return value_label({"true": True, "false": False}.get(text, text))


def _suggestions(state: PageState) -> tuple[tuple[str, str], ...]:
    found = []
    if state.chosen:
        found.append((state.url(chosen=(), next=""), "Search without the filters"))
    if '"' in state.query:
        plain = state.query.replace('"', " ").strip()
        found.append((state.url(query=plain, next=""), "Search without the quotation marks"))
    kept = " ".join(word for word in state.query.split() if not word.startswith("-"))
    if kept and kept != " ".join(state.query.split()):
        found.append((state.url(query=kept, next=""), "Search without the words left out"))
    if state.mode is not Mode.HYBRID:
        found.append((state.url(mode=Mode.HYBRID, next=""), "Search by words and meaning"))
    found.append((PageState(collection=state.collection, browse=True).url(), "Browse everything"))
    return tuple(found)

"""What the page says about an answer, in sentences."""

from collections.abc import Sequence

from search_api.answer import SearchAnswer, Total, Window

_DEGRADED = {
    "bi_encoder_missing": "No model for search by meaning is installed, so words alone decided.",
    "vectors_missing": "These documents were indexed without vectors, so words alone decided.",
    "encoder_mismatch": (
        "The model that these documents were indexed with is not to be had here, so words alone "
        "decided. Reindexing with another one brings meaning back."
    ),
    "encoder_loading": "The model for search by meaning is being loaded, so words alone decided.",
    "cross_encoder_missing": (
        "No reranking model is installed: the results stand in the order of the first stage."
    ),
    "late_interaction_missing": "Late interaction is not available for these documents.",
    "late_interaction_unavailable": "Late interaction did not answer; the order does without it.",
    "ledger_unavailable": (
        "The ledger does not answer: documents are shown as they were a while ago, and what was "
        "changed or deleted since may still be among them."
    ),
    "passages_unavailable": "Some passages could not be read, so those results show none.",
    "rerank_budget": "There was no time left to rerank; the order is that of the first stage.",
    "rerank_deadline": "Reranking ran out of time: only the first results were reranked.",
    "reranker_fallback": "A smaller model reranked: the usual one was not to be had in time.",
    "reranker_overloaded": "The reranker is busy; the order is that of the first stage.",
    "reranker_unavailable": "The reranker did not answer; the order is that of the first stage.",
    "lexical_timeout": "Search by words took too long; some matches may be missing.",
    "lexical_unavailable": "Search by words is down; these results were found by meaning alone.",
    "vector_timeout": "Search by meaning took too long; some matches may be missing.",
    "vector_unavailable": "Search by meaning is down; these results were found by words alone.",
    "totals_unavailable": "The results could not be counted in time.",
}

STAGES = {
    "lexical": "Words (BM25)",
    "vector": "Meaning (vectors)",
    "embed": "Reading the query",
    "survey": "Counting",
    "fusion": "Fusion (RRF)",
    "late": "Late interaction",
    "window": "Reading the window",
    "rerank": "Reranking",
    "aggregation": "Chunks to documents",
    "ledger": "Checking the ledger",
    "passages": "Passages",
    "browse": "Browsing",
}

_BOUNDS = {
    "setting": "the window's setting",
    "budget": "the time budget",
    "candidates": "the number of candidates",
    "deadline": "the deadline, before its end",
}


def degraded_sentences(reasons: Sequence[str]) -> list[str]:
    """Why an answer is less than was asked for; an unknown reason is shown as it is."""
    return [_DEGRADED.get(reason, as_sentence(reason.replace("_", " "))) for reason in reasons]


def as_sentence(text: str) -> str:
    """With a capital at its start and a full stop at its end."""
    text = text.strip()
    if not text:
        return text
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")


def stage_name(name: str) -> str:
    """A stage as people call it."""
    return STAGES.get(name, as_sentence(name.replace("_", " ")).rstrip("."))


def key_label(key: str) -> str:
    """A metadata key as a heading."""
    return key.replace("_", " ").replace("-", " ").strip() or key


def value_label(value: object) -> str:
    """A metadata value as a reader expects it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(value_label(item) for item in value)
    if isinstance(value, str) and value.endswith("T00:00:00Z"):
        return value.removesuffix("T00:00:00Z")
    return str(value)


def count_sentence(total: Total) -> str:
    """How many documents match, with the relation said."""
    if not total.value and total.relation == "eq":
        return "No results"
    noun = "result" if total.value == 1 else "results"
    prefix = "At least " if total.relation == "gte" else ""
    return f"{prefix}{total.value:,} {noun}"


def duration(ms: float) -> str:
    """A time as people read it."""
    if ms < 1:
        return "under 1 ms"
    return f"{ms:,.0f} ms" if ms < 10_000 else f"{ms / 1_000:,.1f} s"


def window_sentence(window: Window) -> str:
    """What the cross-encoder read."""
    bound = _BOUNDS.get(window.bounded_by, window.bounded_by)
    return (
        f"{window.scored} of {window.size} passages in the window were reranked, "
        f"within {window.budget_ms:,} ms; bounded by {bound}."
    )


def ran_sentence(answer: SearchAnswer) -> str:
    """Which stages made the order, in a few words."""
    failed = {reason.partition("_")[0] for reason in answer.degraded}
    ran = {each.name for each in answer.stages if each.candidates or each.name not in failed}
    if "browse" in ran:
        return "in the order chosen"
    legs = [name for key, name in (("lexical", "words"), ("vector", "meaning")) if key in ran]
    found = f"by {' and '.join(legs)}" if legs else ""
    if answer.reranked:
        return f"{found}, reranked" if found else "reranked"
    return found

"""What the templates are given: addresses, facets, sentences."""

import pytest

from search_api.answer import Explanation, FacetCount, LegExplanation, Result, Total, Window
from search_api.ui.facet_groups import MAX_GROUPS, facet_groups
from search_api.ui.results import result_view, safe_href
from search_api.ui.state import PageState
from search_api.ui.wording import (
    count_sentence,
    degraded_sentences,
    duration,
    value_label,
    window_sentence,
)


@pytest.mark.parametrize(
    "url", ["https://example.org/a?b=1#c", "http://localhost:8000/x", "HTTPS://EXAMPLE.org/"]
)
def test_addresses_of_the_web_are_links(url: str) -> None:
    """As they are."""
    assert safe_href(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        "\x01javascript:alert(1)",
        " javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "//example.org/",
        "/relative",
        "https:///nowhere",
        "http://[broken",
        "https://example.org/\u202ecod.exe",
    ],
)
def test_no_other_address_is_a_link(url: str) -> None:
    """Scripts, other schemes, disguises and half addresses lead nowhere."""
    assert safe_href(url) == ""


def _counts(**counts: int) -> list[FacetCount]:
    return [FacetCount(value=value, count=count) for value, count in counts.items()]


def test_facets_that_narrow_nothing_are_left_out() -> None:
    """One value, a name for each document or a measure is no choice."""
    names = [FacetCount(value=f"name {number}", count=1) for number in range(30)]
    crowd = [FacetCount(value=number, count=9) for number in range(200)]
    numbers = [FacetCount(value=number, count=200 - 4 * number) for number in range(40)]
    peaked = [FacetCount(value=f"package {each.value}", count=each.count) for each in numbers]
    facets = {"one": _counts(a=3), "name": names, "crowd": crowd, "lines": numbers}
    facets["peaked"] = peaked
    facets["kind"] = _counts(a=2, b=1)
    assert [group.name for group in facet_groups(facets, PageState())] == ["f.peaked", "f.kind"]


def test_a_choice_is_shown_even_where_nothing_is_counted() -> None:
    """So that it can be taken back."""
    state = PageState(chosen=(("gone", "x"), ("kind", "lost")))
    facets = {f"key{number}": _counts(a=2, b=1) for number in range(9)} | {"kind": _counts(a=1)}
    groups = {group.name: group for group in facet_groups(facets, state)}
    assert len(groups) == MAX_GROUPS
    assert [choice.text for choice in groups["f.gone"].shown] == ["x"]
    assert [(each.text, each.chosen) for each in groups["f.kind"].shown] == [
        ("a", False),
        ("lost", True),
    ]


def test_many_values_fold_behind_more_and_chosen_ones_do_not() -> None:
    """Seven are shown, and those that are chosen."""
    counts = [FacetCount(value=f"v{number:02}", count=30 - number) for number in range(20)]
    (group,) = facet_groups({"kind": counts}, PageState(chosen=(("kind", "v15"),)))
    assert [choice.text for choice in group.shown][-1] == "v15"
    assert (len(group.shown), len(group.more)) == (8, 12)


def test_explain_shows_each_stage_and_what_it_lacks() -> None:
    """A leg that did not find the document says so."""
    explain = Explanation(
        winning_chunk=2,
        lexical=LegExplanation(rank=3, score=7.25),
        fused=0.031,
        fused_rank=4,
        window_rank=4,
        cross_encoder=-1.5,
        truncated=True,
        aggregation="mean",
        chunks=[2, 0],
    )
    shown = result_view(
        Result(
            rank=1,
            id="a/b c",
            score=1.0,
            scored_by="cross_encoder",
            title=" ",
            url="",
            language="und",
            metadata={},
            passages=[],
            explain=explain,
        )
    )
    assert shown.title == "a/b c"
    assert [(row.stage, row.rank, row.score) for row in shown.explain] == [
        ("Words (BM25)", "3", "7.250"),
        ("Meaning (vectors)", "not found", "–"),
        ("Fused (RRF)", "4", "0.0310"),
        ("Reranking window", "4", "–"),
        ("Cross-encoder", "–", "-1.500"),
    ]
    assert shown.explain_notes == (
        "Passage 3 of the document made its score.",
        "Passages 3, 1 counted, by the rule “mean”.",
        "The cross-encoder read only the beginning of this passage.",
    )


def test_totals_say_their_relation() -> None:
    """An estimate never looks like a count."""
    assert count_sentence(Total(value=0, relation="eq")) == "No results"
    assert count_sentence(Total(value=1, relation="eq")) == "1 result"
    assert count_sentence(Total(value=1234, relation="gte")) == "At least 1,234 results"


def test_reasons_are_sentences_known_or_not() -> None:
    """A reason that the page has not heard of is still readable."""
    known, away, unknown = degraded_sentences(
        ["cross_encoder_missing", "ledger_unavailable", "moon_in_the_wrong_house"]
    )
    assert known.startswith("No reranking model is installed")
    assert away.startswith("The ledger does not answer")
    assert unknown == "Moon in the wrong house."


def test_numbers_and_values_are_readable() -> None:
    """Times, the window, booleans, days and arrays."""
    assert [duration(ms) for ms in (0.2, 87.4, 12_345.0)] == ["under 1 ms", "87 ms", "12.3 s"]
    window = Window(size=50, scored=12, bounded_by="deadline", budget_ms=300)
    assert window_sentence(window).startswith("12 of 50 passages")
    values = [True, "2026-05-01T00:00:00Z", ["a", 2], 3.5]
    assert [value_label(value) for value in values] == ["yes", "2026-05-01", "a, 2", "3.5"]

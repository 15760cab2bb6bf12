"""What every LexicalStore does besides words: filters, rights, facets, browsing, matching."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.candidates import FacetValue, IndexedVersion
from services.collections import FieldType, values_of
from services.documents import Value
from services.filters import Condition, Filter, Group, Junction, Operator, matches
from services.ports.lexical import LexicalIndex, Tombstone
from services.queries import Sort
from services.rights import Rights
from tests.lexical.examples import entry, query
from tests.lexical.suite import LexicalSuite

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
VALUES: Mapping[FieldType, Sequence[Any]] = {
    FieldType.KEYWORD: ["", "a", "a b", "b", "É", "\x00", "💥", "a" * 300],
    FieldType.INTEGER: [-(2**63), -1, 0, 1, 2**53 + 1, 2**63 - 1],
    FieldType.FLOAT: [-1.5, -0.0, 0.0, 0.1, 2.0, 1e308, 5e-324],
    FieldType.BOOLEAN: [True, False],
    FieldType.DATE: [
        datetime(1, 1, 1, tzinfo=UTC),
        NEW_YEAR,
        NEW_YEAR + timedelta(microseconds=1),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ],
}
_versions = count(1)


def _values(kind: FieldType) -> st.SearchStrategy[Value]:
    one = st.sampled_from(VALUES[kind])
    return one | st.lists(one, min_size=1, max_size=3).map(tuple)


METADATA = st.fixed_dictionaries({}, optional={f"my {kind}": _values(kind) for kind in FieldType})


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    """A condition on one of the keys, or on one that no document has."""
    kind = draw(st.sampled_from(FieldType))
    key = draw(st.sampled_from([f"my {kind}", f"my {kind}", f"no {kind}"]))
    known = list(Operator)
    if kind is FieldType.BOOLEAN:
        known = [Operator.EQ, Operator.NE, Operator.IN, Operator.NIN]
    comparison = draw(st.sampled_from(known))
    value = st.sampled_from(VALUES[kind])
    several = comparison in (Operator.IN, Operator.NIN)
    values = draw(st.lists(value, max_size=3)) if several else [draw(value)]
    return Condition(key, kind, comparison, tuple(values))


TREES: st.SearchStrategy[Filter] = st.recursive(
    conditions(),
    lambda children: st.builds(
        Group,
        st.sampled_from(Junction),
        st.lists(children, min_size=1, max_size=3).map(tuple),
    ),
    max_leaves=6,
)


def names(found: Sequence[IndexedVersion]) -> list[str]:
    """The documents of a listing, in its order."""
    return [version.document_id for version in found]


class LexicalNarrowingConformance(LexicalSuite):
    """Inherited by an adapter's test class, which gives ``store``."""

    @given(
        held=st.lists(METADATA, min_size=4, max_size=8),
        trees=st.lists(TREES, min_size=6, max_size=12),
    )
    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.differing_executors,  # every adapter's suite inherits this one
        ],
    )
    async def test_filters_and_facets_agree_with_their_reference(
        self, index: LexicalIndex, held: list[dict[str, Value]], trees: list[Filter]
    ) -> None:
        """Random trees over random metadata, for chunks, documents and counts alike."""
        version = next(_versions)
        documents = {f"doc {number}": metadata for number, metadata in enumerate(held)}
        gone = [Tombstone(f"doc {number}", version) for number in range(len(held), 8)]
        entries = [
            entry(name, "word", "more word", version=version, metadata=metadata)
            for name, metadata in documents.items()
        ]
        assert await index.write(entries, gone) == {}
        for tree in trees:
            passing = [name for name, metadata in documents.items() if matches(tree, metadata)]
            asked = query("word", only=tree)
            run = await index.search(asked, 100)
            assert sorted(hit.ref.document_id for hit in run) == sorted(passing * 2)
            assert names(await index.browse(query(only=tree), None, 100)) == passing
            survey = await index.survey(asked, {f"my {kind}": tree for kind in FieldType})
            assert survey.total == len(passing)
            for key, values in survey.facets.items():
                assert {value.value: value.count for value in values} == Counter(
                    value for name in passing for value in set(values_of(documents[name].get(key)))
                )

    async def test_rights_narrow_every_answer(self, index: LexicalIndex) -> None:
        """A document without principals is everybody's, any other for who holds one of them."""
        await index.write(
            [
                entry("public", "word"),
                entry("ours", "word", principals=("us", "them")),
                entry("theirs", "word", principals=("them",)),
            ],
            [],
        )
        seen = {
            Rights(): ["ours", "public", "theirs"],
            Rights(frozenset()): ["public"],
            Rights(frozenset({"us", "others"})): ["ours", "public"],
            Rights(frozenset({"nobody"})): ["public"],
        }
        for rights, expected in seen.items():
            asked = query("word", rights=rights)
            run = await index.search(asked, 10)
            assert sorted(hit.ref.document_id for hit in run) == expected
            assert (await index.survey(asked, {})).total == len(expected)
            assert names(await index.browse(query(rights=rights), None, 10)) == expected
            allowed = await index.matching(asked, ["public", "ours", "theirs"])
            assert sorted(allowed) == expected

    async def test_facets_are_disjunctive_exact_and_ordered(self, index: LexicalIndex) -> None:
        """Documents are counted once each, by the remaining filter, by count and then value."""
        await index.write(
            [
                entry("a", "word", "word", metadata={"tag": ("x", "y", "x"), "year": 2020}),
                entry("b", "word", metadata={"tag": "y", "year": 2021}),
                entry("c", "word", metadata={"tag": "a"}),
                entry("d", "other", metadata={"tag": "y", "year": 2021}),
            ],
            [],
        )
        only = Condition("year", FieldType.INTEGER, Operator.EQ, (2020,))
        survey = await index.survey(
            query("word", only=only), {"year": None, "tag": only, "unknown": None}
        )
        assert survey.total == 1
        assert list(survey.facets["year"]) == [FacetValue(2020, 1), FacetValue(2021, 1)]
        assert list(survey.facets["tag"]) == [FacetValue("x", 1), FacetValue("y", 1)]
        assert list(survey.facets["unknown"]) == []
        everything = await index.survey(query(), {"tag": None})
        assert list(everything.facets["tag"]) == [
            FacetValue("y", 3),
            FacetValue("a", 1),
            FacetValue("x", 1),
        ]

    async def test_facet_counts_are_exact_over_many_values(self, index: LexicalIndex) -> None:
        """The thousand commonest values, ties in order, though they come in several writes."""
        for part in range(3):
            await index.write(
                [
                    entry(f"{part}-{number}", "x", metadata={"n": number, "half": number // 2})
                    for number in range(part, 1_203, 3)
                ],
                [],
            )
        survey = await index.survey(query(), {"n": None, "half": None})
        assert survey.total == 1_203
        assert [value.value for value in survey.facets["n"]] == list(range(1_000))
        assert survey.facets["half"][0] == FacetValue(0, 2)
        assert survey.facets["half"][-1] == FacetValue(601, 1)

    @pytest.mark.parametrize("kind", FieldType)
    async def test_browsing_sorts_by_a_key(self, index: LexicalIndex, kind: FieldType) -> None:
        """Both ways, documents without the key last, ties by id, the cut included."""
        values = sorted(set(VALUES[kind]))
        held = {
            f"doc {place:02}": {"key": value} for place, value in enumerate(reversed(values * 2))
        }
        entries = [entry(name, "x", metadata=metadata) for name, metadata in held.items()]
        missing = [entry(f"missing {place}", "x") for place in (2, 1)]
        await index.write([*missing, *entries], [])
        rising = sorted(held, key=lambda name: (held[name]["key"], name))
        falling = sorted(rising)
        falling.sort(key=lambda name: held[name]["key"], reverse=True)
        last = ["missing 1", "missing 2"]
        for sort, expected in (
            (Sort("key"), rising + last),
            (Sort("key", descending=True), falling + last),
            (Sort("unknown", descending=True), sorted([*held, *last])),
        ):
            for depth in (1, 3, len(expected) - 1, 100):
                assert names(await index.browse(query(), sort, depth)) == expected[:depth]

    async def test_words_and_phrases_are_judged_over_the_whole_document(
        self, index: LexicalIndex
    ) -> None:
        """Counts and ``matching`` look at title, headings and every chunk together."""
        await index.write(
            [
                entry("a", "red apple", "green pear", title="Fruit", heading="Basket"),
                entry("b", "red pear"),
                entry("c", "roter Apfel", language="de"),
            ],
            [],
        )
        assert (await index.survey(query("apple pear"), {})).total == 2
        assert (await index.survey(query(phrases=("red apple",)), {})).total == 1
        assert (await index.survey(query("red", excluded=("green",)), {})).total == 1
        assert (await index.survey(query(excluded=("red",)), {})).total == 1
        everyone = ["a", "b", "c", "nobody"]
        excluding = query("zebra", excluded=("fruit",))
        assert await index.matching(excluding, everyone) == {"b", "c"}
        assert await index.matching(query(phrases=("basket", "roter apfel")), everyone) == {
            "a",
            "c",
        }
        assert await index.matching(query("zebra"), everyone) == {"a", "b", "c"}
        assert await index.matching(query("zebra"), []) == frozenset()

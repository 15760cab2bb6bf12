"""Any filter of the grammar over any metadata, and documents that hold it."""

from collections.abc import Mapping
from datetime import UTC, datetime

from hypothesis import strategies as st

from services.collections import FieldType
from services.documents import Scalar, Value
from services.filters import Condition, Filter, Group, Junction, Operator, matches
from services.ports.lexical import Tombstone
from services.ports.vectors import VectorIndex
from services.queries import Scope
from tests.vectors.examples import direction, entry, query

DOCUMENTS = 8

KEYS: Mapping[str, FieldType] = {
    "colour": FieldType.KEYWORD,
    'a "b".c[0] d': FieldType.KEYWORD,
    "count": FieldType.INTEGER,
    "price €": FieldType.FLOAT,
    "in.stock": FieldType.BOOLEAN,
    "seen": FieldType.DATE,
}

_AROUND = [0, 1, -1, 2**53 - 1, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)]

SCALARS: Mapping[FieldType, st.SearchStrategy[Scalar]] = {
    FieldType.KEYWORD: st.sampled_from(["", "a", "A", "b", "é", "\U0001f600", "\uffee", "a b"]),
    FieldType.INTEGER: st.sampled_from(_AROUND) | st.integers(-3, 3),
    FieldType.FLOAT: st.sampled_from([0.0, -0.0, 0.1, 1 / 3, 1e308, -1e-308, 2.0]),
    FieldType.BOOLEAN: st.booleans(),
    FieldType.DATE: st.datetimes(timezones=st.just(UTC))
    | st.sampled_from(
        [
            datetime(1, 1, 1, tzinfo=UTC),
            datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
            datetime(1970, 1, 1, tzinfo=UTC),
            datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        ]
    ),
}


_ORDERED = {Operator.GT, Operator.GTE, Operator.LT, Operator.LTE}


def values(kind: FieldType) -> st.SearchStrategy[Value]:
    """A scalar or an array."""
    scalar = SCALARS[kind]
    return scalar | st.lists(scalar, min_size=1, max_size=3).map(tuple)


@st.composite
def conditions(draw: st.DrawFn) -> Filter:
    """A condition that the grammar allows."""
    key = draw(st.sampled_from(sorted(KEYS)))
    kind = KEYS[key]
    excluded = _ORDERED if kind is FieldType.BOOLEAN else set()
    comparison = draw(st.sampled_from([each for each in Operator if each not in excluded]))
    several = comparison in (Operator.IN, Operator.NIN)
    count = draw(st.integers(0, 3)) if several else 1
    held = tuple(draw(SCALARS[kind]) for _ in range(count))
    return Condition(key, kind, comparison, held)


FILTERS = st.recursive(
    conditions(),
    lambda children: st.builds(
        Group, st.sampled_from(Junction), st.lists(children, min_size=1, max_size=3).map(tuple)
    ),
    max_leaves=5,
)
METADATA = st.fixed_dictionaries({}, optional={key: values(kind) for key, kind in KEYS.items()})


async def write_documents(
    index: VectorIndex, held: list[Mapping[str, Value]], version: int
) -> None:
    """A document for each metadata, in place of those of the version before."""
    await index.write(
        [
            entry(f"{n}", [direction(1.0)], version=version, metadata=metadata)
            for n, metadata in enumerate(held)
        ],
        [Tombstone(f"{n}", version) for n in range(len(held), DOCUMENTS)],
    )


async def compare(index: VectorIndex, held: list[Mapping[str, Value]], asked: list[Filter]) -> None:
    """The index passes what the reference passes."""
    for tree in asked:
        run = await index.search(query(1.0), Scope(filter=tree), 100)
        expected = {f"{n}" for n, metadata in enumerate(held) if matches(tree, metadata)}
        assert {hit.ref.document_id for hit in run} == expected, tree

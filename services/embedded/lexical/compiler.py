"""From Winnow's filters, rights and words to Tantivy's queries, built and never parsed."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence

from tantivy import FieldType as EngineType
from tantivy import Occur, Query

from services.analysis.terms import query_terms, term_weights
from services.collections import FieldType
from services.columns import to_stored
from services.documents import Scalar
from services.embedded.lexical.columns import Columns
from services.embedded.lexical.engine import Engine
from services.filters import Condition, Filter, Junction, Operator
from services.queries import Scope, Words
from services.rights import Rights

MAX_QUERY_TERMS = 1_024
"""Distinct terms of one query that are looked for: the first ones count."""

MAX_PHRASE_TERMS = 64
"""Terms of one phrase that are judged: the first ones (long ones cost their length squared)."""

_SCORE_FREE = 0.0
_NEGATED = {Operator.NE: Operator.EQ, Operator.NIN: Operator.IN}


def every(parts: Sequence[Query]) -> Query:
    """Rows that match all of the parts; every row where there are none."""
    if not parts:
        return Query.all_query()
    return parts[0] if len(parts) == 1 else _joined(Occur.Must, parts)


def some(parts: Sequence[Query]) -> Query:
    """Rows that match any of the parts; no row where there are none."""
    if not parts:
        return Query.empty_query()
    return parts[0] if len(parts) == 1 else _joined(Occur.Should, parts)


def none(parts: Sequence[Query]) -> Query:
    """Rows that match none of the parts: Tantivy finds nothing by negation alone."""
    excluded = [(Occur.MustNot, part) for part in parts]
    return Query.boolean_query([(Occur.Must, Query.all_query()), *excluded])


def unscored(query: Query) -> Query:
    """The same rows, adding nothing to their scores."""
    return Query.const_score_query(query, _SCORE_FREE)


def _joined(occur: Occur, parts: Sequence[Query]) -> Query:
    return Query.boolean_query([(occur, part) for part in parts])


def compile_scope(scope: Scope, engine: Engine, columns: Columns) -> list[Query]:
    """What narrows a search besides its words, each part without a score."""
    parts: list[Query] = []
    if scope.filter is not None:
        parts.append(unscored(compile_filter(scope.filter, engine, columns)))
    if scope.rights.principals is not None:
        parts.append(unscored(_readable(scope.rights, engine)))
    return parts


def _readable(rights: Rights, engine: Engine) -> Query:
    public = Query.term_query(engine.schema, "public", True)
    held = sorted(rights.principals or ())
    return some([public, Query.term_set_query(engine.schema, "principals", held)])


def compile_filter(tree: Filter, engine: Engine, columns: Columns) -> Query:
    """A filter as Tantivy runs it; :func:`services.filters.matches` is its reference."""
    if isinstance(tree, Condition):
        return _condition(tree, engine, columns)
    parts = [compile_filter(child, engine, columns) for child in tree.filters]
    match tree.junction:
        case Junction.AND:
            return every(parts)
        case Junction.OR:
            return some(parts)
        case Junction.NOT:
            return none(parts)


def _condition(condition: Condition, engine: Engine, columns: Columns) -> Query:
    if condition.operator in _NEGATED:
        positive = Condition(
            condition.key, condition.kind, _NEGATED[condition.operator], condition.values
        )
        return none([_condition(positive, engine, columns)])
    column = columns.column(condition.key, condition.kind)
    if column is None:
        return Query.empty_query()
    if condition.operator in (Operator.EQ, Operator.IN):
        return some([_equal(engine, column, value) for value in condition.values])
    return _ranged(condition, engine, column)


def _equal(engine: Engine, column: str, value: Scalar) -> Query:
    return Query.term_query(engine.schema, column, to_stored(value), "basic")


def _ranged(condition: Condition, engine: Engine, column: str) -> Query:
    bound = condition.values[0]
    if condition.kind is FieldType.KEYWORD:
        values = _slice(engine.keywords(column), condition.operator, str(bound))
        return Query.term_set_query(engine.schema, column, values)
    above = condition.operator in (Operator.GT, Operator.GTE)
    inclusive = condition.operator in (Operator.GTE, Operator.LTE)
    engine_type = EngineType.Float if condition.kind is FieldType.FLOAT else EngineType.Integer
    stored = to_stored(bound)
    return Query.range_query(
        engine.schema,
        column,
        engine_type,
        stored if above else None,
        None if above else stored,
        include_lower=inclusive or not above,  # Tantivy calls an open side inclusive
        include_upper=inclusive or above,
    )


def _slice(values: Sequence[str], comparison: Operator, bound: str) -> Sequence[str]:
    """The sorted values in a range; Tantivy has no range query over text."""
    match comparison:
        case Operator.GT:
            return values[bisect_right(values, bound) :]
        case Operator.GTE:
            return values[bisect_left(values, bound) :]
        case Operator.LT:
            return values[: bisect_left(values, bound)]
        case _:
            return values[: bisect_right(values, bound)]


def compile_words(
    words: Words, language: str, engine: Engine, boosts: Mapping[str, float], whole: str
) -> Query | None:
    """A query's words in one language; None where no row of that language can match.

    Args:
        words: what to look for.
        engine: whose rows are searched.
        boosts: the fields that are scored, with their weights.
        whole: the field that holds every word of a row.
    """
    alternatives = _alternatives(words.text, language, engine, boosts)
    constraints = compile_constraints(words, language, engine, whole)
    if not alternatives and not _phrases(words.phrases, language, engine, whole):
        return None
    return every([some(alternatives), constraints] if alternatives else [constraints])


def compile_constraints(words: Words, language: str, engine: Engine, whole: str) -> Query:
    """Rows with one of the phrases, where there are any, and none of the excluded words.

    A phrase of stop words alone cannot be judged by an index without them: it is left out.
    Stop words inside a phrase leave gaps that any word may fill.
    """
    phrases = _phrases(words.phrases, language, engine, whole)
    excluded = _phrases(words.excluded, language, engine, whole)
    parts = [some(phrases)] if phrases else []
    if excluded:
        parts.append(none(excluded))
    return unscored(every(parts))


def _phrases(phrases: Iterable[str], language: str, engine: Engine, whole: str) -> list[Query]:
    compiled = (_phrase(phrase, language, engine, whole) for phrase in phrases)
    return [query for query in compiled if query is not None]


def _phrase(phrase: str, language: str, engine: Engine, whole: str) -> Query | None:
    found = query_terms(language, phrase)[:MAX_PHRASE_TERMS]
    if not found:
        return None
    if len(found) == 1:  # Tantivy panics over a phrase of one word
        return Query.term_query(engine.schema, whole, found[0].text, "basic")
    first = found[0].position
    return Query.phrase_query(
        engine.schema, whole, [(term.position - first, term.text) for term in found]
    )


def _alternatives(
    text: str, language: str, engine: Engine, boosts: Mapping[str, float]
) -> list[Query]:
    return [
        Query.boost_query(Query.term_query(engine.schema, name, term, "freq"), boost * weight)
        for term, weight in term_weights(language, text, MAX_QUERY_TERMS).items()
        for name, boost in boosts.items()
    ]

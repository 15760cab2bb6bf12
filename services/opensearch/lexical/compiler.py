"""From Winnow's filters, rights and words to OpenSearch's queries, built and never parsed."""

from collections.abc import Sequence

from services.analysis.terms import term_weights
from services.columns import to_stored
from services.filters import Condition, Filter, Group, Junction, Operator
from services.opensearch.client import Json
from services.opensearch.lexical.columns import column_name
from services.opensearch.lexical.schema import BOOSTS, chunk_field, document_field
from services.opensearch.lexical.words import (
    MAX_QUERY_TERMS,
    phrase,
    phrase_terms,
)
from services.opensearch.packing import encodable
from services.queries import Scope, Words

MAX_CLAUSES = 1_000
"""Leaves of one query; OpenSearch allows 1,024 (``indices.query.bool.max_clause_count``)."""

_FEWEST_TERMS = 8
_NEGATED = {Operator.NE: Operator.EQ, Operator.NIN: Operator.IN}

EVERYTHING: Json = {"match_all": {}}
NOTHING: Json = {"match_none": {}}


def every(parts: Sequence[Json]) -> Json:
    """Rows that match all of the parts, unscored; every row where there are none."""
    if not parts:
        return EVERYTHING
    return parts[0] if len(parts) == 1 else {"bool": {"filter": list(parts)}}


def some(parts: Sequence[Json]) -> Json:
    """Rows that match any of the parts; no row where there are none."""
    if not parts:
        return NOTHING
    return parts[0] if len(parts) == 1 else {"bool": {"should": list(parts)}}


def none(parts: Sequence[Json]) -> Json:
    """Rows that match none of the parts."""
    return {"bool": {"must_not": list(parts)}}


def term(name: str, value: object) -> Json:
    """Rows that hold just this value."""
    return {"term": {name: {"value": value}}}


def compile_scope(scope: Scope) -> list[Json]:
    """What narrows a search besides its words."""
    parts: list[Json] = []
    if scope.filter is not None:
        parts.append(compile_filter(scope.filter))
    if scope.rights.principals is not None:
        held = sorted(name for name in scope.rights.principals if encodable(name))
        parts.append(some([term("public", value=True), {"terms": {"principals": held}}]))
    return parts


def compile_filter(tree: Filter) -> Json:
    """A filter as OpenSearch runs it; :func:`services.filters.matches` is its reference."""
    if isinstance(tree, Condition):
        return _condition(tree)
    parts = [compile_filter(child) for child in tree.filters]
    match tree.junction:
        case Junction.AND:
            return every(parts)
        case Junction.OR:
            return some(parts)
        case Junction.NOT:
            return none(parts)


def _condition(condition: Condition) -> Json:
    if condition.operator in _NEGATED:
        positive = _NEGATED[condition.operator]
        return none(
            [_condition(Condition(condition.key, condition.kind, positive, condition.values))]
        )
    column = column_name(condition.kind, condition.key)
    values = [to_stored(value) for value in condition.values]
    if condition.operator in (Operator.EQ, Operator.IN):
        return {"terms": {column: values}}
    return {"range": {column: {condition.operator.value: values[0]}}}


def compile_chunk_words(words: Words, language: str, scope: Scope) -> Json | None:
    """A scored query over one language's chunks; None where none of them can match."""
    limit = (MAX_CLAUSES - leaves(scope.filter)) // len(BOOSTS)
    limit = min(MAX_QUERY_TERMS, max(_FEWEST_TERMS, limit))
    weights = term_weights(language, words.text, limit)
    whole = chunk_field("words", language)
    if not weights and not phrase_terms(language, words.phrases):
        return None
    scored = [
        {"term": {chunk_field(name, language): {"value": found, "boost": boost * weight}}}
        for found, weight in weights.items()
        for name, boost in BOOSTS.items()
    ]
    clauses: Json = {"filter": [*compile_constraints(words, language, whole)]}
    if scored:
        clauses |= {"should": scored, "minimum_should_match": 1}
    return {"bool": clauses}


def compile_document_words(words: Words, language: str) -> Json | None:
    """Documents of one language with any of the words; None where none of them can match."""
    name = document_field(language)
    found = term_weights(language, words.text, MAX_QUERY_TERMS)
    if not found and not phrase_terms(language, words.phrases):
        return None
    parts = [term("language", language), *compile_constraints(words, language, name)]
    if found:
        parts.append({"terms": {name: list(found)}})
    return every(parts)


def compile_constraints(words: Words, language: str, name: str) -> list[Json]:
    """One of the phrases, where there are any, and none of the excluded words.

    A phrase of stop words alone cannot be judged by an index without them: it is left out.
    Stop words inside a phrase leave gaps that any word may fill.
    """
    phrases = _phrases(words.phrases, language, name)
    excluded = _phrases(words.excluded, language, name)
    parts = [some(phrases)] if phrases else []
    if excluded:
        parts.append(none(excluded))
    return parts


def _phrases(phrases: Sequence[str], language: str, name: str) -> list[Json]:
    """Single words together as one leaf, whole phrases a leaf each."""
    found = phrase_terms(language, phrases)
    singles = [terms[0].text for terms in found if len(terms) == 1]
    queries: list[Json] = [{"terms": {name: singles}}] if singles else []
    queries.extend(
        {"match_phrase": {name: {"query": phrase(terms)}}} for terms in found if len(terms) > 1
    )
    return queries


def leaves(tree: Filter | None) -> int:
    """How many conditions a filter has."""
    if isinstance(tree, Group):
        return sum(leaves(child) for child in tree.filters)
    return 0 if tree is None else 1

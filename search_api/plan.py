"""Decides, before anything is searched, what a search will do."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from search_api.encoders import QueryEncoder
from search_api.ledger_memory import Known
from search_api.request import Aggregation, Mode, Rerank, SearchRequest, Unit
from search_api.words import parse_words
from services.assembly import Services
from services.collections import Collection, Schema
from services.deadlines import Deadline
from services.errors import InvalidFilter, InvalidInput, ModelUnavailable
from services.filters import parse_filter
from services.generations import Generation
from services.ports.models import Embedder, ModelCard
from services.queries import LexicalQuery, Scope, Sort, Words
from services.rights import Rights

# Each of two legs is asked for so much of the late window: they agree on few, so that together
# they fill it, and what more they found would be fused and vouched for without being ordered.
_LEG_SHARE = 2 / 3

# Below this share of a collection's documents a language is taken for a misdetection.
_PRESENT_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Plan:
    """A search with every choice made.

    Attributes:
        language: of the query, "" where it is not known.
        lexical, vector: which legs run; late, cross_encoder: which stages order.
        embedder: the generation's own encoder, None where it is not to be had.
        degraded: what was asked for and cannot be had; notes: what was left out on purpose.
        target: distinct documents (or passages) that the legs look for.
        depth: chunks that a leg is asked for at first, enough to fill the late window.
    """

    collection: Collection
    generation: Generation
    request: SearchRequest
    words: Words
    scope: Scope
    sort: Sort | None
    language: str
    embedder: Embedder | None
    lexical: bool
    vector: bool
    late: bool
    cross_encoder: bool
    aggregation: Aggregation
    target: int
    depth: int
    budget_s: float
    deadline: Deadline
    degraded: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def browsing(self) -> bool:
        """Whether there are no words to rank by, or another order was asked for."""
        return self.words.empty or self.sort is not None

    @property
    def by_passage(self) -> bool:
        """Whether results are passages rather than documents."""
        return self.request.unit is Unit.PASSAGE

    def lexical_query(self) -> LexicalQuery:
        """The question to the text index.

        A language that was only guessed must not hide documents whose language was guessed
        wrongly, so it narrows the analysis only where the caller named it.
        """
        return LexicalQuery(self.words, self.scope, self.request.language)


def make_plan(
    services: Services,
    known: Known,
    request: SearchRequest,
    rights: Rights,
    encoder: QueryEncoder,
    deadline: Deadline,
) -> Plan:
    """Resolve a request.

    Args:
        known: the collection as the ledger tells of it.
        encoder: that of its live generation.

    Raises:
        InvalidInput: with what to change.
        ModelUnavailable: vector mode where no vectors can be searched.
    """
    settings = services.settings
    collection, languages = known.collection, _languages(known)
    _check(request, collection.schema, settings.max_query_characters)
    words = parse_words(request.query)
    language = request.language or _query_language(words.text, languages)
    target = max(settings.depth, min(request.size, settings.max_results))
    plan = Plan(
        collection=collection,
        generation=known.head.live,
        request=request,
        words=words,
        scope=Scope(parse_filter(request.filters, collection.schema), rights),
        sort=Sort(request.sort.key, request.sort.descending) if request.sort else None,
        language=language,
        embedder=encoder.embedder,
        lexical=request.mode is not Mode.VECTOR,
        vector=False,
        late=False,
        cross_encoder=False,
        aggregation=request.aggregation or Aggregation(settings.aggregation),
        target=target,
        depth=max(target, math.ceil(settings.late_window * _leg_share(request.mode))),
        budget_s=(request.budget_ms or settings.budget_ms) / 1_000,
        deadline=deadline,
    )
    if plan.browsing:
        return plan
    return _choose_models(plan, services, languages, encoder)


def _leg_share(mode: Mode) -> float:
    return _LEG_SHARE if mode is Mode.HYBRID else 1.0


def _languages(known: Known) -> Mapping[str, int]:
    """Documents by the language that the generation reads them in."""
    read_in = known.head.live.fingerprint.language
    return {read_in: sum(known.languages.values())} if read_in else known.languages


def _check(request: SearchRequest, schema: Schema, max_characters: int) -> None:
    if len(request.query) > max_characters:
        raise InvalidInput(
            f"A query has at most {max_characters} characters; this one has "
            f"{len(request.query)}. Search for its key sentence."
        )
    for key in request.facets:
        if key not in schema.fields:
            raise InvalidInput(f"The collection declares no key {key[:80]!r} to count.")
    if request.sort and request.sort.key not in schema.fields:
        raise InvalidFilter(f"The collection declares no key {request.sort.key[:80]!r} to sort by.")


def _choose_models(
    plan: Plan, services: Services, languages: Mapping[str, int], encoder: QueryEncoder
) -> Plan:
    request = plan.request
    vector = request.mode is not Mode.LEXICAL and _vectors_usable(plan, languages, encoder)
    if request.mode is Mode.VECTOR and not vector:
        raise ModelUnavailable(
            "Vector search is not to be had: " + ", ".join(plan.degraded + plan.notes),
            retry_after_s=60,
        )
    late = vector and request.rerank is not Rerank.NONE and _tokens_stored(plan.generation)
    wanted = request.rerank in (Rerank.AUTO, Rerank.CROSS_ENCODER)
    cross_encoder = wanted and _reranker_usable(plan, services, languages, instead=late)
    if request.rerank is Rerank.LATE and not late:
        plan.degraded.append("late_interaction_missing")
    return replace(plan, vector=vector, late=late, cross_encoder=cross_encoder)


def _tokens_stored(generation: Generation) -> bool:
    encoder = generation.fingerprint.encoder
    return encoder is not None and encoder.token_dimensions > 0


def _vectors_usable(plan: Plan, languages: Mapping[str, int], encoder: QueryEncoder) -> bool:
    if encoder.embedder is None:
        plan.degraded.extend(filter(None, [encoder.degraded]))
        plan.notes.extend(filter(None, [encoder.note]))
        return False
    card = encoder.embedder.encoder.card
    return _knows(plan, card, languages, "Vector search was left out")


def _reranker_usable(
    plan: Plan, services: Services, languages: Mapping[str, int], *, instead: bool
) -> bool:
    if not services.rerankers:
        explicit = plan.request.rerank is Rerank.CROSS_ENCODER
        if explicit or (services.settings.cross_encoder and not instead):
            plan.degraded.append("cross_encoder_missing")
        else:
            order = "late interaction" if instead else "fusion"
            plan.notes.append(f"There is no cross-encoder here: ordered by {order}.")
        return False
    card = services.rerankers[0].card
    if card.asked_only and instead and plan.request.rerank is Rerank.AUTO:
        plan.notes.append("The cross-encoder runs where it is asked for: late interaction ordered.")
        return False
    return _knows(plan, card, languages, "Reranking was left out")


def _knows(plan: Plan, card: ModelCard, languages: Mapping[str, int], consequence: str) -> bool:
    """Whether a model can read the query's language, else those of the documents."""
    if not card.languages:
        return True
    asked = {plan.language} if plan.language else set(_present(languages))
    if not asked or asked & (card.languages | {"und"}):
        return True
    known = ", ".join(sorted(card.languages))
    plan.notes.append(f"{consequence}: {card.name} knows {known}, not {', '.join(sorted(asked))}.")
    return False


def _present(languages: Mapping[str, int]) -> list[str]:
    floor = _PRESENT_SHARE * sum(languages.values())
    return [language for language, count in languages.items() if count >= floor]


def _query_language(text: str, languages: Mapping[str, int]) -> str:
    """A query's language where the documents leave no doubt or detection none, else ""."""
    present = [language for language in _present(languages) if language != "und"]
    if len(present) == 1:
        return present[0] if len(_present(languages)) == 1 else ""
    from services.analysis.detect import detect_language

    detected = detect_language(text)
    return detected if detected in present else ""

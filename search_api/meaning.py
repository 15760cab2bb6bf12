"""Marks, on the passages of a page, what answers the query in other words.

It costs what reading a few token vectors back costs, for the passages that are shown and
lack a word of the query, and it is decoration: when time is short or an index fails, a page
goes out without it.
"""

import asyncio
from collections.abc import Mapping, Sequence

import numpy as np

from search_api.late import LATE_INTERACTION
from search_api.passages import Reading
from search_api.ranking import Ranking
from search_api.retrieval import Indexes
from services.analysis.highlights import Span
from services.analysis.meaning import Text, TokenPlaces, meaning_highlights, unanswered
from services.deadlines import Deadline
from services.documents import ChunkRef
from services.errors import WinnowError
from services.models.inputs import passage_head
from services.ports.models import BiEncoder, Embedder, Encoded, Passage
from services.ports.vectors import TokenVectors, VectorIndex

MAX_PASSAGES = 10

# It takes about 10 ms, and never more than this share of the time that is left.
_SHARE = 0.1
_LEAST_S = 0.02


async def mark_meanings(
    embedder: Embedder | None,
    indexes: Indexes,
    ranking: Ranking,
    readings: Sequence[Reading],
    encoded: Encoded | None,
    deadline: Deadline,
) -> Mapping[ChunkRef, Sequence[Span]]:
    """Spans by meaning for the first passages that need some; fewer or none if need be.

    Args:
        embedder: the encoder of the generation that the passages are of.
        readings: the passages, the one that matters most first.
        encoded: the query's vectors, None where this request did not make them.
    """
    used = ranking.head.models.get(LATE_INTERACTION)
    if used is None or embedder is None or indexes.vectors is None:
        return {}
    card = embedder.encoder.card
    if (used.name, used.revision) != (card.name, card.revision):
        return {}
    wanting = [each for each in readings if unanswered(each.language, each.asked, each.held)]
    patience_s = _SHARE * deadline.remaining_s()
    if not wanting or patience_s < _LEAST_S:
        return {}
    work = _marked(embedder, indexes.vectors, ranking, wanting[:MAX_PASSAGES], encoded)
    try:
        return await deadline.earlier(patience_s).bound(work, "Marking by meaning")
    except WinnowError:
        return {}


async def _marked(
    embedder: Embedder,
    vectors: VectorIndex,
    ranking: Ranking,
    readings: Sequence[Reading],
    encoded: Encoded | None,
) -> Mapping[ChunkRef, Sequence[Span]]:
    query = encoded or await embedder.embed_query(ranking.words.text)
    if query.tokens is None or query.offsets is None:
        return {}
    asked = TokenPlaces(query.tokens[0], query.offsets[0])
    stored = await vectors.token_vectors([each.chunk.ref for each in readings])
    found = [each for each in readings if each.chunk.ref in stored]
    return await asyncio.to_thread(
        lambda: {
            each.chunk.ref: _spans(embedder.encoder, asked, each, stored[each.chunk.ref])
            for each in found
        }
    )


def _spans(
    encoder: BiEncoder, asked: TokenPlaces, reading: Reading, tokens: TokenVectors
) -> list[Span]:
    held = _places(encoder, reading, tokens)
    if held is None or held.vectors.shape[-1] != asked.vectors.shape[-1]:
        return []
    query, passage = Text(reading.asked, asked), Text(reading.held, held)
    return meaning_highlights(reading.language, query, passage)


def _places(encoder: BiEncoder, reading: Reading, tokens: TokenVectors) -> TokenPlaces | None:
    """Where stored tokens stand: the input is cut into tokens again as the encoder did."""
    chunk, counter = reading.chunk, encoder.counter
    passage = Passage(chunk.text, reading.title, chunk.heading_path)
    head = encoder.fingerprint.passage_prefix + passage_head(
        passage.title, passage.heading_path, counter, encoder.card.max_tokens
    )
    spans = counter.spans(head + passage.text)
    if len(spans) < len(tokens):
        return None
    return TokenPlaces(tokens, np.maximum(spans[: len(tokens)] - len(head), 0))

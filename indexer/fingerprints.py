"""Which configuration a generation is built with, and what this process writes to it with."""

from services.analysis.table import ANALYZERS_VERSION
from services.assembly import Services
from services.errors import ModelUnavailable
from services.generations import (
    ChunkerConfiguration,
    Generation,
    GenerationFingerprint,
    GenerationState,
)
from services.ports.models import BiEncoder, Embedder
from services.settings import Settings

SPECIAL_TOKENS = 2
"""BERT and RoBERTa open and close an input with one token each."""

MAX_TOKENS_WITHOUT_ENCODER = 254


def fingerprint(services: Services) -> GenerationFingerprint:
    """What this process builds today; without a bi-encoder an index of words alone."""
    encoder = services.embedder.encoder if services.embedder else None
    return fingerprint_of(encoder, services.settings)


def passage_room(encoder: BiEncoder | None) -> int:
    """Tokens of the longest chunk that a model reads whole."""
    return encoder.card.max_tokens - SPECIAL_TOKENS if encoder else MAX_TOKENS_WITHOUT_ENCODER


def fingerprint_of(
    encoder: BiEncoder | None, settings: Settings, language: str = ""
) -> GenerationFingerprint:
    """What is built with an encoder and the sizes of the settings.

    Args:
        language: every document is read as being in it; "": each in its own.
    """
    room = passage_room(encoder)
    wanted = settings.chunk_tokens or room
    max_tokens = min(wanted, room) if encoder else wanted
    return GenerationFingerprint(
        encoder=encoder.fingerprint if encoder else None,
        chunker=ChunkerConfiguration(
            max_tokens=max_tokens,
            overlap_tokens=min(settings.chunk_overlap_tokens, max_tokens // 2),
        ),
        analyzers=ANALYZERS_VERSION,
        language=language,
    )


def first_generation(collection: str, services: Services) -> Generation:
    """A collection's first generation."""
    built_with = fingerprint(services)
    identifier = Generation.new_id(1, built_with)
    return Generation(collection, identifier, built_with, GenerationState.LIVE)


async def encoder_of(generation: Generation, services: Services) -> Embedder | None:
    """The encoder to write to a generation with; None for one of words alone.

    Vectors of two encoders, or words of two analyzers, are never mixed in one generation.

    Raises:
        ModelUnavailable: this process cannot build what the generation is made of.
            Documents stay in the ledger and are indexed once that is put right.
    """
    wanted = generation.fingerprint.encoder
    where = f"Collection '{generation.collection}' (generation {generation.id})"
    if generation.fingerprint.analyzers != ANALYZERS_VERSION:
        raise ModelUnavailable(
            f"{where} was indexed with analyzers {generation.fingerprint.analyzers}; this "
            f"Winnow has {ANALYZERS_VERSION}. Reindex it, or run the Winnow that made it."
        )
    if wanted is None:
        return None
    try:
        return await services.shelf.embedder_for(wanted)
    except ModelUnavailable as error:
        raise type(error)(
            f"{where} waits for its encoder; documents are kept in the ledger. {error.detail}"
        ) from error

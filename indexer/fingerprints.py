"""Which configuration a generation is built with, and whether this process can write to it."""

import secrets

from services.analysis.table import ANALYZERS_VERSION
from services.assembly import Services
from services.errors import ModelUnavailable
from services.generations import (
    ChunkerConfiguration,
    Generation,
    GenerationFingerprint,
    GenerationState,
)

SPECIAL_TOKENS = 2
"""BERT and RoBERTa open and close an input with one token each."""

MAX_TOKENS_WITHOUT_ENCODER = 254


def fingerprint(services: Services) -> GenerationFingerprint:
    """What this process builds today; without a bi-encoder an index of words alone."""
    encoder = services.embedder.encoder if services.embedder else None
    settings = services.settings
    room = encoder.card.max_tokens - SPECIAL_TOKENS if encoder else MAX_TOKENS_WITHOUT_ENCODER
    wanted = settings.chunk_tokens or room
    max_tokens = min(wanted, room) if encoder else wanted
    return GenerationFingerprint(
        encoder=encoder.fingerprint if encoder else None,
        chunker=ChunkerConfiguration(
            max_tokens=max_tokens,
            overlap_tokens=min(settings.chunk_overlap_tokens, max_tokens // 2),
        ),
        analyzers=ANALYZERS_VERSION,
    )


def first_generation(collection: str, services: Services) -> Generation:
    """A collection's first generation.

    Its id ends in random digits: a collection that is deleted and made again never meets
    what a crash left of its indexes.
    """
    built_with = fingerprint(services)
    identifier = f"g0001-{built_with.digest()}-{secrets.token_hex(3)}"
    return Generation(collection, identifier, built_with, GenerationState.LIVE)


def check_writable(generation: Generation, services: Services) -> None:
    """Refuse to mix vectors of two encoders or words of two analyzers in one generation.

    Raises:
        ModelUnavailable: the generation was built otherwise than this process builds.
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
        return
    if services.embedder is None:
        reason = services.missing.get("bi_encoder", "none is configured")
        raise ModelUnavailable(
            f"{where} holds vectors of {wanted.model}, and no bi-encoder could be loaded: "
            f"{reason} Documents wait in the ledger until the model is back."
        )
    held = services.embedder.encoder.fingerprint
    if held != wanted:
        raise ModelUnavailable(
            f"{where} holds vectors of {wanted.model} at revision {wanted.revision}; the "
            f"bi-encoder loaded is {held.model} at {held.revision}, with other vectors. Put the "
            "old model back (WINNOW_BI_ENCODER) or reindex; documents wait in the ledger."
        )

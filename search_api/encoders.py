"""The encoder that a search may use: that of the generation which answers, or none."""

from dataclasses import dataclass

from services.assembly import Services
from services.deadlines import Deadline
from services.errors import DeadlineExceeded, EncoderMismatch, ModelUnavailable
from services.generations import Generation
from services.ports.models import Embedder

PATIENCE_S = 1.0
"""A search waits so long, and a third of its deadline at most, for a model that is loading."""


@dataclass(frozen=True, slots=True)
class QueryEncoder:
    """The generation's encoder, or what an answer without it says.

    Attributes:
        degraded: the reason where it was asked for and cannot be had.
        note: the reason where it was left out on purpose.
    """

    embedder: Embedder | None
    degraded: str = ""
    note: str = ""


async def query_encoder(
    services: Services, generation: Generation, deadline_s: float
) -> QueryEncoder:
    """Find the encoder whose vectors the generation holds; never one that makes others."""
    if not services.settings.bi_encoder:
        return QueryEncoder(None, note="Vector search is switched off: answered by words.")
    stored = generation.fingerprint.encoder
    none_at_all = services.embedder is None
    if stored is None:
        return QueryEncoder(None, "bi_encoder_missing" if none_at_all else "vectors_missing")
    patience = Deadline.after(min(PATIENCE_S, deadline_s / 3))
    try:
        return QueryEncoder(
            await patience.bound(services.shelf.embedder_for(stored), "The encoder")
        )
    except DeadlineExceeded:
        return QueryEncoder(None, "encoder_loading")
    except EncoderMismatch:
        return QueryEncoder(None, "encoder_mismatch")
    except ModelUnavailable:
        return QueryEncoder(None, "bi_encoder_missing" if none_at_all else "encoder_mismatch")

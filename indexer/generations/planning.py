"""What a new generation is to be built with: what was asked for, the settings for the rest."""

from dataclasses import dataclass

from indexer.fingerprints import fingerprint_of, passage_room
from services.analysis.table import ANALYZERS
from services.assembly import Services
from services.errors import InvalidInput, ModelUnavailable
from services.generations import GenerationFingerprint
from services.ports.models import BiEncoder
from services.settings import Settings

NO_MODEL = "none"
OWN_LANGUAGE = "own"


@dataclass(frozen=True, slots=True)
class Changes:
    """What is chosen for one build; None leaves it to the settings.

    Attributes:
        model: a name on the hub or a path; :data:`NO_MODEL` builds an index of words alone.
        language: every document is read as being in it; :data:`OWN_LANGUAGE`: each in its
            own; None: as the live generation does.
    """

    model: str | None = None
    chunk_tokens: int | None = None
    overlap_tokens: int | None = None
    token_dimensions: int | None = None
    language: str | None = None


async def planned(
    services: Services, changes: Changes, live: GenerationFingerprint
) -> GenerationFingerprint:
    """The fingerprint of a generation with these changes; loads the model that it names.

    Raises:
        ModelUnavailable: the model is not to be had. A generation without vectors is built
            only where that was asked for.
        InvalidInput: sizes that cannot be, or a language that no analyzer knows.
    """
    encoder = await _encoder(services, changes)
    return fingerprint_of(
        encoder, _sized(services.settings, changes, encoder), _language(changes.language, live)
    )


async def _encoder(services: Services, changes: Changes) -> BiEncoder | None:
    settings = services.settings
    wanted = settings.bi_encoder if changes.model is None else changes.model
    if wanted in ("", NO_MODEL):
        return None
    if changes.model is None and changes.token_dimensions is None:
        if services.embedder is None:
            raise ModelUnavailable(
                f"No new generation was begun: {services.missing.get('bi_encoder', '')} "
                f"Name another model, or '{NO_MODEL}' for an index of words alone."
            )
        return services.embedder.encoder
    found = await services.shelf.embedder_named(wanted, changes.token_dimensions)
    return found.encoder


def _sized(settings: Settings, changes: Changes, encoder: BiEncoder | None) -> Settings:
    """The settings with the sizes that were asked for.

    What the settings say is cut down to what the model reads; what was asked for is not.
    """
    chunk, overlap = changes.chunk_tokens, changes.overlap_tokens
    room = passage_room(encoder)
    if chunk and encoder is not None and chunk > room:
        raise InvalidInput(
            f"{encoder.card.name} reads at most {room} tokens of a chunk; {chunk} are too many."
        )
    longest = chunk or settings.chunk_tokens or room
    if overlap is not None and overlap > longest // 2:
        raise InvalidInput(
            f"Chunks of {longest} tokens overlap by at most {longest // 2}; {overlap} are too many."
        )
    sizes = {
        "chunk_tokens": settings.chunk_tokens if chunk is None else chunk,
        "chunk_overlap_tokens": settings.chunk_overlap_tokens if overlap is None else overlap,
    }
    return settings.model_copy(update=sizes)


def _language(wanted: str | None, live: GenerationFingerprint) -> str:
    if wanted is None:
        return live.language
    if wanted == OWN_LANGUAGE:
        return ""
    if wanted not in ANALYZERS:
        raise InvalidInput(
            f"There is no analyzer for the language {wanted[:40]!r}; there is one for "
            f"{', '.join(sorted(ANALYZERS))}. '{OWN_LANGUAGE}' reads each document in its own."
        )
    return wanted

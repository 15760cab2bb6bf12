"""The encoders that the kept generations were built with, each loaded once.

A collection may be searched with one model while its next generation is built with another,
and a process that starts after the switch knows neither from its settings. What a
generation's vectors can be compared with stands in its fingerprint; the shelf finds the
encoder that has it.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.errors import EncoderMismatch, ModelUnavailable, WinnowError
from services.generations import EncoderFingerprint
from services.ports.models import Embedder
from services.settings import Settings

if TYPE_CHECKING:
    from services.models.embedder import InProcessEmbedder

RETRY_S = 60.0
"""What could not be had is looked for again after so long."""

IDLE_S = 60.0
"""How long an encoder stays that no kept generation needs: a build may be about to begin."""

Load = Callable[[Settings], Embedder]


def load_embedder(settings: Settings) -> "InProcessEmbedder":
    """The encoder that ``settings.bi_encoder`` names, behind an event loop.

    Raises:
        ModelUnavailable, InvalidInput: see :func:`services.models.loading.load_bi_encoder`.
    """
    from services.models.embedder import InProcessEmbedder
    from services.models.loading import load_bi_encoder

    return InProcessEmbedder(load_bi_encoder(settings))


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why an encoder could not be had; known until ``until_s`` of the monotonic clock."""

    error: ModelUnavailable
    until_s: float


class EncoderShelf:
    """Encoders by fingerprint, shared by everything in a process."""

    def __init__(
        self,
        settings: Settings,
        default: Embedder | None,
        load: Load = load_embedder,
        *,
        idle_s: float = IDLE_S,
    ) -> None:
        """``default`` is the configured encoder; it is whoever opened it that closes it."""
        self._settings = settings
        self._default = default
        self._load = load
        self._idle_s = idle_s
        self._loading: dict[EncoderFingerprint, asyncio.Task[Embedder]] = {}
        self._failures: dict[EncoderFingerprint, _Failure] = {}
        self._needed_s: dict[EncoderFingerprint, float] = {}

    async def embedder_for(self, fingerprint: EncoderFingerprint) -> Embedder:
        """The encoder whose vectors may meet those of a generation.

        Whoever stops waiting leaves the loading to the others.

        Raises:
            EncoderMismatch: a model of that name is here and makes other vectors.
            ModelUnavailable: there is none; says what was tried.
        """
        default = self._default
        if default is not None and default.encoder.fingerprint == fingerprint:
            return default
        self._needed_s[fingerprint] = time.monotonic()
        loading = self._loading.get(fingerprint)
        if loading is None:
            self._check(fingerprint)
            loading = asyncio.create_task(self._find(fingerprint), name="winnow-encoder")
            self._loading[fingerprint] = loading
            loading.add_done_callback(lambda done: self._settle(fingerprint, done))
        return await asyncio.shield(loading)

    async def embedder_named(self, wanted: str, token_dimensions: int | None = None) -> Embedder:
        """The encoder that a path or a name on the hub stands for, for a new generation.

        Args:
            token_dimensions: of its token vectors; None: as the settings say.

        Raises:
            ModelUnavailable, InvalidInput: see :func:`load_embedder`.
        """
        configured = token_dimensions is None and wanted == self._settings.bi_encoder
        if self._default is not None and configured:
            return self._default
        naming = _naming(self._settings, wanted, token_dimensions)
        found = await asyncio.to_thread(self._load, naming)
        fingerprint = found.encoder.fingerprint
        default = self._default
        held = self._loading.get(fingerprint)
        if default is not None and default.encoder.fingerprint == fingerprint:
            await found.close()
            return default
        if held is not None:
            await found.close()
            return await asyncio.shield(held)
        self._loading[fingerprint] = asyncio.create_task(_given(found))
        self._failures.pop(fingerprint, None)
        self._needed_s[fingerprint] = time.monotonic()
        return found

    async def keep(self, needed: Collection[EncoderFingerprint]) -> None:
        """Have the encoders of the kept generations ready, and let go of all others.

        One that was asked for in the last minute stays a while.
        """
        now_s = time.monotonic()
        self._needed_s |= dict.fromkeys(needed, now_s)
        await asyncio.gather(*map(self.embedder_for, needed), return_exceptions=True)
        self._failures = {key: why for key, why in self._failures.items() if key in needed}
        idle = [key for key in self._loading if now_s - self._needed_s[key] >= self._idle_s]
        await self._drop(key for key in idle if key not in needed)

    def missing(self) -> Mapping[str, str]:
        """Why each encoder that was asked for is not to be had, by the model's name."""
        return {key.model: failure.error.detail for key, failure in self._failures.items()}

    async def close(self) -> None:
        """Close every encoder that the shelf loaded."""
        await self._drop(list(self._loading))

    def _check(self, fingerprint: EncoderFingerprint) -> None:
        """Do not look again for what was not there a moment ago."""
        failure = self._failures.get(fingerprint)
        if failure is not None and failure.until_s > time.monotonic():
            raise type(failure.error)(failure.error.detail)

    def _settle(self, fingerprint: EncoderFingerprint, done: "asyncio.Task[Embedder]") -> None:
        """Keep what was found, or the reason why nothing was."""
        error = None if done.cancelled() else done.exception()
        if error is None and not done.cancelled():
            self._failures.pop(fingerprint, None)
            return
        if self._loading.get(fingerprint) is done:
            del self._loading[fingerprint]
        if isinstance(error, ModelUnavailable):
            self._failures[fingerprint] = _Failure(error, time.monotonic() + RETRY_S)

    async def _find(self, fingerprint: EncoderFingerprint) -> Embedder:
        settings = self._settings
        if not settings.bi_encoder:
            raise ModelUnavailable("The bi-encoder is switched off: WINNOW_BI_ENCODER is empty.")
        tried: list[str] = []
        others: list[EncoderFingerprint] = []
        for wanted in await asyncio.to_thread(self._names, fingerprint):
            naming = _naming(settings, wanted, fingerprint.token_dimensions)
            try:
                found = await asyncio.to_thread(self._load, naming)
            except WinnowError as error:
                tried.append(error.detail)
                continue
            if found.encoder.fingerprint == fingerprint:
                return found
            others.append(found.encoder.fingerprint)
            await found.close()
        if others:
            raise EncoderMismatch(_mismatch(fingerprint, others))
        raise ModelUnavailable(
            f"The index holds vectors of {fingerprint.model} at revision {fingerprint.revision}, "
            f"which is not to be had here: {' '.join(tried)}"
        )

    def _names(self, fingerprint: EncoderFingerprint) -> list[str]:
        """Where the model may be: where it was found before, its name, the configured place."""
        from services.models.notes import Notes

        settings, model = self._settings, fingerprint.model
        origin = Notes(settings.data_path / "models").origin(model, fingerprint.revision)
        default = self._default
        configured = default is None or default.encoder.fingerprint.model == model
        names = (origin, model, settings.bi_encoder if configured else "")
        return [name for name in dict.fromkeys(names) if name]

    async def _drop(self, fingerprints: Iterable[EncoderFingerprint]) -> None:
        for fingerprint in fingerprints:
            loading = self._loading.pop(fingerprint)
            self._needed_s.pop(fingerprint, None)
            # A thread that loads cannot be stopped: what it brings is closed all the same.
            (found,) = await asyncio.gather(loading, return_exceptions=True)
            if not isinstance(found, BaseException):
                await found.close()


async def _given(found: Embedder) -> Embedder:
    return found


def _naming(settings: Settings, wanted: str, token_dimensions: int | None = None) -> Settings:
    """Settings that name another encoder.

    ``WINNOW_MODEL_LANGUAGES`` speaks of the configured model: others go by their own card.
    """
    changes: dict[str, object] = {"bi_encoder": wanted}
    if token_dimensions is not None:
        changes["token_dimensions"] = token_dimensions
    if wanted != settings.bi_encoder:
        changes["model_languages"] = ()
    return settings.model_copy(update=changes)


def _mismatch(wanted: EncoderFingerprint, found: list[EncoderFingerprint]) -> str:
    here = ", ".join(f"{each.model} at {each.revision}" for each in found)
    return (
        f"The index holds vectors of {wanted.model} at revision {wanted.revision}; what is to be "
        f"had here makes other vectors ({here}). Put the old model back (WINNOW_BI_ENCODER may "
        "name its folder), or reindex with the one there is."
    )

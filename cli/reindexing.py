"""What ``winnow admin reindex`` does: build, watch, check, measure, switch."""

import asyncio
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cli.backend import Backend, JsonObject, open_backend
from cli.console import messages, say
from cli.generations import built_with, progress_line, speed_from
from cli.progress import Meter, meter, steps
from evaluation.generations import Beside, compare
from services.errors import InvalidInput, NotFound
from services.settings import Settings

POLL_S = 0.3

_CHOICES = {
    "model": "bi_encoder",
    "chunk_tokens": "chunk_tokens",
    "overlap_tokens": "chunk_overlap_tokens",
    "token_dimensions": "token_dimensions",
    "language": "language",
}
"""Choices by their name among the settings, which a configuration file uses."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Judged queries, and how much may be lost on them."""

    folder: Path
    split: str
    queries: int | None
    max_drop: float


@dataclass(frozen=True, slots=True)
class Work:
    """What the command line says.

    Attributes:
        order: the new generation, as the HTTP API takes it.
    """

    collection: str
    order: JsonObject
    activate: bool
    detach: bool
    judged: Judged | None


@dataclass(slots=True)
class Result:
    """How it ended.

    Attributes:
        refused: why the switch was refused, "" where it was not.
    """

    generation: JsonObject
    checks: list[JsonObject] = field(default_factory=list)
    evaluation: JsonObject | None = None
    refused: str = ""

    def to_json(self) -> JsonObject:
        """The object that ``--json`` prints."""
        return {
            "generation": self.generation,
            "checks": self.checks,
            "evaluation": self.evaluation,
            "refused": self.refused,
        }


def order_from(chosen: Mapping[str, object], config: Path | None, speed: str) -> JsonObject:
    """The order of flags over a file's choices.

    Raises:
        InvalidInput: the file cannot be read or names something else.
    """
    order: JsonObject = dict(_read(config)) if config else {}
    order |= {name: value for name, value in chosen.items() if value is not None}
    return order | {"speed": speed_from(speed)}


def _read(config: Path) -> JsonObject:
    try:
        found = tomllib.loads(config.expanduser().read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput(f"{config} cannot be read as TOML: {error}") from None
    names = {setting: name for name, setting in _CHOICES.items()}
    unknown = sorted(set(found) - set(names))
    if unknown:
        raise InvalidInput(f"{config} sets {', '.join(unknown)}; a build takes {', '.join(names)}.")
    return {names[setting]: value for setting, value in found.items()}


async def perform(settings: Settings, work: Work, *, quiet: bool) -> Result:
    """Build until the generation is ready, then check and switch as asked.

    Raises:
        WinnowError: it could not be begun, or the server is gone.
    """
    async with open_backend(settings) as backend:
        before = await backend.generations.list(work.collection)
        live = next(each for each in before if each["state"] == "live")
        # With judgments the switch waits for what they say.
        by_itself = work.activate and work.judged is None
        order = work.order | {"activate": by_itself}
        made = await backend.generations.reindex(work.collection, order)
        say(f"Building {made['id']} of '{work.collection}': {built_with(made['configuration'])}.")
        say(f"Live is {live['id']}: {built_with(live['configuration'])}.")
        if work.detach:
            say("'winnow admin generations' tells how far it is.")
            return Result(made)
        built = await _watched(backend, work.collection, made["id"], by_itself=by_itself)
        if fault := _fault(built):
            return Result(built, refused=fault)
        return await _judge(backend, work, live, built, quiet=quiet)


async def _watched(
    backend: Backend, collection: str, identifier: str, *, by_itself: bool
) -> JsonObject:
    """Follow a build until it is ready (or live, where it becomes so by itself) or faulty."""
    ends = {"live"} if by_itself else {"ready", "live"}
    try:
        with meter(f"Building {identifier[:5]}") as shown:
            while True:
                state = await _state(backend, collection, identifier)
                _show(shown, state)
                if state["state"] in ends or _fault(state):
                    return state
                await asyncio.sleep(POLL_S)
    except asyncio.CancelledError:
        if backend.keeps_pages:
            say("The server goes on building: 'winnow admin cancel' gives it up.")
        raise


async def _state(backend: Backend, collection: str, identifier: str) -> JsonObject:
    for each in await backend.generations.list(collection):
        if each["id"] == identifier:
            return each
    raise NotFound(f"The generation {identifier} was cancelled meanwhile.")


def _show(shown: Meter, state: JsonObject) -> None:
    progress = state["progress"]
    if progress is None:
        shown.tell(1.0, f"{state['state']}")
        return
    total = progress["total"]
    shown.tell(progress["documents"] / total if total else 1.0, progress_line(progress))


def _fault(state: JsonObject) -> str:
    """Why a build did not pass its checks, "" where it did, or is not there yet."""
    progress = state["progress"]
    return str(progress["fault"]) if progress else ""


async def _judge(
    backend: Backend, work: Work, live: JsonObject, built: JsonObject, *, quiet: bool
) -> Result:
    """Check, measure where there are judgments, and switch where that was asked for."""
    generations, identifier = backend.generations, built["id"]
    checks = (await generations.checks(work.collection, identifier))["checks"]
    result = Result(built, list(checks))
    if not quiet:
        for check in checks:
            say(f"{'passed' if check['passed'] else 'FAILED'} {check['name']}: {check['detail']}")
    if work.judged is not None:
        beside = await _measured(backend, work, live["id"], identifier)
        result.evaluation = beside.to_json()
        messages().print(beside.table())
        verdict = beside.verdict(work.judged.max_drop)
        if work.activate:
            return await _switched(backend, work, result, verdict)
        if built["state"] == "ready":
            await generations.judge(work.collection, identifier, verdict)
        result.refused = beside.refusal(work.judged.max_drop)
    elif work.activate and built["state"] == "live":
        say(f"'{work.collection}' is answered by {identifier}.")
    if built["state"] == "ready" and not result.refused:
        say("It is ready: 'winnow admin activate' switches to it.")
    return result


async def _switched(backend: Backend, work: Work, result: Result, verdict: JsonObject) -> Result:
    try:
        result.generation = await backend.generations.activate(
            work.collection, result.generation["id"], force=False, verdict=verdict
        )
    except InvalidInput as error:
        result.refused = error.detail
        return result
    say(f"'{work.collection}' is answered by {result.generation['id']}.")
    return result


async def _measured(backend: Backend, work: Work, live: str, new: str) -> Beside:
    assert work.judged is not None  # noqa: S101  # for the type checker
    with steps() as shown:
        return await compare(
            lambda request: backend.search(work.collection, request),
            work.judged.folder,
            (live, new),
            split=work.judged.split,
            queries=work.judged.queries,
            progress=shown.show,
        )

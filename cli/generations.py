"""What ``winnow admin generations`` and the commands beside it do and show."""

from collections.abc import Awaitable, Sequence
from datetime import datetime

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from cli.backend import JsonObject, open_backend
from cli.console import say
from cli.progress import clock
from services.errors import InvalidInput
from services.settings import Settings

FULL_SPEED: JsonObject = {"documents_per_s": 0, "share": 1}


async def listed(settings: Settings, collection: str) -> Sequence[JsonObject]:
    """Every generation of a collection, oldest first."""
    async with open_backend(settings) as backend:
        return await backend.generations.list(collection)


async def activate(
    settings: Settings, collection: str, identifier: str, *, force: bool
) -> JsonObject:
    """Switch to a generation; without an id to the one that is ready."""
    async with open_backend(settings) as backend:
        wanted = identifier or await only(backend.generations.list(collection), "ready")
        return await backend.generations.activate(collection, wanted, force=force)


async def rollback(settings: Settings, collection: str, to: str) -> JsonObject:
    """Switch back."""
    async with open_backend(settings) as backend:
        return await backend.generations.rollback(collection, to)


async def cancel(settings: Settings, collection: str, identifier: str) -> str:
    """Give a build up; returns its id."""
    async with open_backend(settings) as backend:
        listing = backend.generations.list(collection)
        wanted = identifier or await only(listing, "building", "ready")
        await backend.generations.cancel(collection, wanted)
        return wanted


async def change(
    settings: Settings, collection: str, identifier: str, body: JsonObject
) -> JsonObject:
    """Change what is asked of a build; without an id of the one that is being built."""
    async with open_backend(settings) as backend:
        wanted = identifier or await only(backend.generations.list(collection), "building")
        return await backend.generations.change(collection, wanted, body)


async def collect(
    settings: Settings, collection: str, *, dry_run: bool, orphans: bool
) -> JsonObject:
    """Remove what is past its grace period."""
    async with open_backend(settings) as backend:
        return await backend.generations.collect(collection, dry_run=dry_run, orphans=orphans)


def speed_from(text: str) -> JsonObject:
    """``full``, a share such as ``50%`` or documents a second; InvalidInput for anything else."""
    if text in ("", "full"):
        return FULL_SPEED
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        number = 0.0
    share = text.endswith("%")
    if number <= 0 or (share and not 1 <= number <= 100):
        raise InvalidInput(
            f"{text[:40]!r} is no speed: give documents a second such as 25, a share of the time "
            "from 1% to 100%, or 'full'."
        )
    return FULL_SPEED | ({"share": number / 100} if share else {"documents_per_s": number})


def show(generations: Sequence[JsonObject], console: Console) -> None:
    """Each generation with what it is built with, and what is to be known of it."""
    for each in generations:
        lacks = f" · lacks {each['pending']:,} documents" if each["pending"] else ""
        console.print(Text(each["id"], "bold"), Text(f"{each['state']}{lacks}"))
        for line in (built_with(each["configuration"]), *_notes(each)):
            console.print(Padding(Text(line), (0, 0, 0, 4)))


def built_with(configuration: JsonObject) -> str:
    """What a generation is built with, for people."""
    model = configuration["model"] or "words alone"
    parts = [model.rpartition("/")[2]]
    if configuration["token_dimensions"]:
        parts.append(f"tokens of {configuration['token_dimensions']} dimensions")
    parts.append(
        f"chunks of {configuration['chunk_tokens']}, overlap {configuration['overlap_tokens']}"
    )
    if configuration["language"]:
        parts.append(f"read as {configuration['language']}")
    return " · ".join(parts)


def progress_line(progress: JsonObject) -> str:
    """How far a build is, how fast, how long it will take."""
    parts = [
        f"{progress['documents']:,} of {progress['total']:,} documents",
        f"{progress['chunks']:,} chunks",
        f"{progress['chunks_per_s']:,.0f} chunks/s",
    ]
    if progress["waiting"]:
        parts.append(progress["waiting"])
    elif progress["seconds_left"] is not None:
        parts.append(f"{clock(progress['seconds_left'])} left")
    return " · ".join(parts)


def show_removed(removed: JsonObject, *, orphans: bool) -> None:
    """What was removed, what stays, and why."""
    verb = "would be removed" if removed["dry_run"] else "removed"
    for identifier in removed["removed"]:
        say(f"{identifier} {verb}")
    for each in removed["kept"]:
        say(f"{each['id']} stays: {each['reason']}")
    for each in removed["failed"]:
        say(f"winnow: {each['id']} was not removed: {each['reason']}")
    for name in removed["orphans"]:
        taken = orphans and not removed["dry_run"]
        say(f"{name} belongs to no generation{': removed' if taken else ''}")
    if removed["orphans"] and not orphans:
        say("'winnow admin gc --orphans' removes what belongs to no generation of this ledger.")


async def only(listing: Awaitable[Sequence[JsonObject]], *states: str) -> str:
    """The id of the one generation in one of these states.

    Raises:
        InvalidInput: there is none, or more than one.
    """
    found = [each["id"] for each in await listing if each["state"] in states]
    if len(found) != 1:
        number = "Several generations are" if found else "No generation is"
        raise InvalidInput(
            f"{number} {' or '.join(states)}: name one; 'winnow admin generations' lists them."
        )
    return str(found[0])


def _notes(generation: JsonObject) -> list[str]:
    notes = []
    if generation["progress"]:
        notes.append(progress_line(generation["progress"]))
    if generation["state"] == "ready":
        notes.append(generation["refused"] or "'winnow admin activate' switches to it")
    if generation["removable_at"]:
        ends_at = datetime.fromisoformat(generation["removable_at"])
        notes.append(f"written to, and kept, until {ends_at:%Y-%m-%d %H:%M} UTC")
    if generation["dead_letters"]:
        notes.append(f"{generation['dead_letters']:,} documents were refused")
    return notes

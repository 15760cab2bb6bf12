"""What the commands of ``winnow admin`` on consistency do and show."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.backend import Backend, JsonObject, open_backend
from cli.files import readable, write_whole
from cli.progress import meter, stages, steps
from services.errors import InvalidInput
from services.settings import Settings

SHOWN = 50
"""Discrepancies in a table; ``--json`` has more."""


async def verify(settings: Settings, collection: str, generation: str) -> JsonObject:
    """Compare ledger and engines."""
    async with open_backend(settings) as backend:
        with stages() as shown:
            return await backend.consistency.verify(collection, generation, shown.show)


async def reconcile(settings: Settings, collection: str) -> JsonObject:
    """Repair what a comparison finds."""
    async with open_backend(settings) as backend:
        with stages() as shown:
            return await backend.consistency.reconcile(collection, shown.show)


async def dead_letters(settings: Settings, collection: str, generation: str) -> JsonObject:
    """What could not be indexed."""
    async with open_backend(settings) as backend:
        return await backend.consistency.dead_letters(collection, generation)


async def take(
    settings: Settings,
    action: str,
    collection: str,
    generation: str,
    ids: Sequence[str],
    *,
    every: bool,
) -> JsonObject:
    """Retry or drop dead letters; those that are retried are indexed before it returns.

    Raises:
        InvalidInput: neither ids nor ``every``, or both.
    """
    if bool(ids) is every:
        raise InvalidInput("Name the documents whose dead letters are meant, or say --all.")
    async with open_backend(settings) as backend:
        count = await backend.consistency.take(
            action, collection, generation, None if every else ids
        )
        if action == "drop":
            return {"dropped": count}
        await _index(backend, collection)
        left = await backend.consistency.dead_letters(collection, generation)
        return {"retried": count, "dead_letters": left["dead_letters"]}


async def audit(settings: Settings, collection: str, limit: int) -> Sequence[JsonObject]:
    """Who did what, newest first."""
    async with open_backend(settings) as backend:
        entries: Sequence[JsonObject] = (await backend.consistency.audit(collection, limit))[
            "entries"
        ]
        return entries


async def back_up(settings: Settings, target: str, names: Sequence[str]) -> JsonObject:
    """Write a backup into a file, or to standard output."""
    async with open_backend(settings) as backend:
        with steps() as shown:
            size = await write_whole(
                target,
                backend.consistency.backup(names, lambda done: shown.show("Backed up", done, 0)),
            )
    return {"file": target, "bytes": size}


async def restore(settings: Settings, source: str) -> JsonObject:
    """Store what a backup holds, and index it."""
    with readable(source) as path:
        async with open_backend(settings) as backend:
            with steps() as shown:
                restored = await backend.consistency.restore(
                    path, lambda done: shown.show("Restored", done, 0)
                )
            for name in restored["collections"]:
                await _index(backend, name)
    return restored


async def _index(backend: Backend, collection: str) -> None:
    """Index what is pending, with a bar."""
    with meter(f"Indexing '{collection}'") as shown:
        await backend.index(
            collection,
            lambda state: shown.show(
                state.documents / max(state.total, 1), state.documents, state.chunks
            ),
        )


def show_verified(answer: JsonObject, console: Console) -> None:
    """A line for each generation, and a table of what is wrong."""
    for each in answer["generations"]:
        parts = [f"{each['documents']:,} documents compared"]
        parts += [f"{each[name]:,} {name}" for name in ("pending", "refused") if each[name]]
        parts.append(f"{each['total']:,} discrepancies" if each["total"] else "all agree")
        console.print(Text(f"{each['generation']} ({each['state']}): {', '.join(parts)}"))
        if each["total"]:
            console.print(_counts(each["counts"]))
            console.print(_discrepancies(each["discrepancies"][:SHOWN]))
            if each["total"] > SHOWN:
                console.print(Text(f"The first {SHOWN}; --json names more."))


def show_dead_letters(answer: JsonObject, console: Console) -> None:
    """A table."""
    table = Table("id", "version", "at", "reason", box=None)
    for each in answer["dead_letters"]:
        table.add_row(*(Text(str(each[name])) for name in ("id", "version", "at", "reason")))
    console.print(table)


def show_audit(entries: Sequence[JsonObject], console: Console) -> None:
    """An entry a line, newest first, times in UTC; a detail stands below its entry."""
    for each in entries:
        at = datetime.fromisoformat(each["at"]).astimezone(UTC)
        what = "/".join(each[name] for name in ("collection", "generation") if each[name])
        parts = (f"{at:%Y-%m-%d %H:%M:%S}", each["action"], what, each["outcome"], each["who"])
        console.print(Text(" · ".join(part for part in parts if part)))
        if each["detail"]:
            console.print(Padding(Text(each["detail"]), (0, 0, 0, 4)))


def told(done: JsonObject) -> str:
    """A reconciliation in a sentence."""
    found = sum(done["found"].values())
    if not found:
        return "Ledger and engines agree; nothing was written."
    what = (
        f"{found:,} discrepancies: {done['unmarked']:,} documents indexed again, "
        f"{done['superseded']:,} in a new version"
    )
    if done["waiting"]:
        return f"{what}. They wait to be indexed: {done['waiting']}"
    return f"{what}. {'All agree now.' if done['clean'] else 'Some are left: run it again.'}"


def told_taken(done: JsonObject) -> str:
    """What became of dead letters that were retried or dropped, in a sentence."""
    if "dropped" in done:
        return f"{done['dropped']:,} are off the list."
    left = len(done["dead_letters"])
    return f"{done['retried']:,} were tried again; {left:,} are on the list now."


def _counts(counts: Sequence[JsonObject]) -> Table:
    table = Table("index", "kind", "documents", box=None)
    for each in counts:
        table.add_row(each["engine"], each["kind"], f"{each['count']:,}")
    return table


def _discrepancies(found: Sequence[JsonObject]) -> Table:
    columns = ("id", "engine", "kind", "version", "found", "detail")
    table = Table(*columns, box=None)
    for each in found:
        table.add_row(*(Text(str(each[name])) for name in columns))
    return table

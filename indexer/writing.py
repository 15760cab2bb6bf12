"""Writing a batch to one engine, without letting one document hold up the others."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from indexer.crashes import is_fault, sentence
from services.ports.lexical import LexicalEntry, Tombstone
from services.ports.vectors import VectorEntry

Entry = TypeVar("Entry", LexicalEntry, VectorEntry)
Write = Callable[[Sequence[Entry], Sequence[Tombstone]], Awaitable[Mapping[str, str]]]
Ping = Callable[[], Awaitable[None]]


async def write_batch(
    entries: Sequence[Entry], tombstones: Sequence[Tombstone], write: "Write[Entry]", ping: Ping
) -> Mapping[str, str]:
    """Write a batch; returns the reason for each document that the engine will never take.

    An engine should refuse a document by name. Where the whole call fails on its input, the
    entries are written one by one: one that fails alone, by an engine that answers a ping,
    is refused.

    Raises:
        BackendUnavailable: the engine is out of reach; nothing is refused.
    """
    try:
        return await write(entries, tombstones)
    except BaseException as error:
        if not is_fault(error):
            raise
    await write((), tombstones)
    refused: dict[str, str] = {}
    for entry in entries:
        try:
            refused |= await write((entry,), ())
        except BaseException as error:
            if not is_fault(error):
                raise
            await ping()
            refused[entry.document.id] = sentence("The engine failed on the document", error)
    return refused

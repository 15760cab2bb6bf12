"""What ``winnow documents`` does and shows."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.backend import JsonObject, Stored, open_backend
from indexer.outcomes import Progress
from services.settings import Settings

PAGE = 1_000


async def get(settings: Settings, collection: str, identifier: str) -> JsonObject:
    """A document, or DocumentNotFound."""
    async with open_backend(settings) as backend:
        return await backend.document(collection, identifier)


async def listed(
    settings: Settings, collection: str, after: str, limit: int, prefix: str
) -> Sequence[JsonObject]:
    """Up to ``limit`` documents by id."""
    found: list[JsonObject] = []
    async with open_backend(settings) as backend:
        while len(found) < limit:
            wanted = min(PAGE, limit - len(found))
            page = await backend.documents(collection, after, wanted, prefix)
            found += page
            if len(page) < wanted:
                break
            after = page[-1]["id"]
    return found


async def delete(settings: Settings, collection: str, ids: Sequence[str]) -> Stored:
    """Delete documents, from the indexes too."""
    async with open_backend(settings) as backend:
        await backend.collection(collection)
        done = await backend.delete(collection, ids)
        await backend.index(collection, _silent)
        return done


def show(document: Mapping[str, object], console: Console) -> None:
    """A document with its properties first."""
    for key in ("id", "title", "url", "language", "version", "updated_at"):
        if document.get(key):
            console.print(Text(f"{key}: ", style="bold").append(str(document[key]), "not bold"))
    metadata = document.get("metadata")
    for key, value in (metadata if isinstance(metadata, dict) else {}).items():
        console.print(Text(f"{key}: ", style="bold").append(str(value), "not bold"))
    console.print()
    console.print(Text(str(document["text"])))


def show_list(documents: Sequence[Mapping[str, object]], console: Console) -> None:
    """A table."""
    table = Table("id", "title", "language", "version", box=None)
    for each in documents:
        table.add_row(*(Text(str(each[key])) for key in ("id", "title", "language", "version")))
    console.print(table)


def _silent(_state: Progress) -> None:
    """Deleting is over before a bar could be read."""

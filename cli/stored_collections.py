"""What ``winnow collections`` does and shows."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.backend import JsonObject, open_backend
from services.errors import InvalidInput
from services.settings import Settings


async def listed(settings: Settings) -> Sequence[JsonObject]:
    """All collections."""
    async with open_backend(settings) as backend:
        return await backend.collections()


async def create(
    settings: Settings, name: str, schema: Mapping[str, str], language: str
) -> JsonObject:
    """Add a collection, or AlreadyExists."""
    async with open_backend(settings) as backend:
        return await backend.create_collection(name, schema, language)


async def delete(settings: Settings, name: str) -> None:
    """Remove a collection, or CollectionNotFound."""
    async with open_backend(settings) as backend:
        await backend.delete_collection(name)


def schema_from(fields: Sequence[str]) -> dict[str, str]:
    """``KEY=TYPE`` options as a schema; InvalidInput where one is not of that form."""
    schema = {}
    for text in fields:
        key, equals, kind = text.rpartition("=")
        if not equals or not key:
            raise InvalidInput(f"--field takes KEY=TYPE, such as year=integer; got {text[:80]!r}.")
        schema[key] = kind
    return schema


def show(collections: Sequence[Mapping[str, object]], console: Console) -> None:
    """A table."""
    table = Table("name", "language", "metadata", box=None)
    for each in collections:
        schema = each["schema"]
        keys = schema.items() if isinstance(schema, dict) else ()
        metadata = ", ".join(f"{key}: {kind}" for key, kind in keys)
        language = str(each["language"] or "detected")
        table.add_row(Text(str(each["name"])), language, Text(metadata))
    console.print(table)

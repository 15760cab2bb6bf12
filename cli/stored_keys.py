"""What ``winnow keys`` does and shows."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.backend import JsonObject, open_backend
from services.settings import Settings


async def create(settings: Settings, name: str, role: str) -> JsonObject:
    """Make a key."""
    async with open_backend(settings) as backend:
        return await backend.keys.create(name, role)


async def listed(settings: Settings) -> Sequence[JsonObject]:
    """Every key, the oldest first."""
    async with open_backend(settings) as backend:
        return await backend.keys.list()


async def revoke(settings: Settings, identifier: str) -> None:
    """Let a key open nothing any more."""
    async with open_backend(settings) as backend:
        await backend.keys.revoke(identifier)


def show(found: Sequence[JsonObject], console: Console) -> None:
    """A table, its times in UTC."""
    table = Table("id", "role", "made", "name", box=None)
    for each in found:
        made = datetime.fromisoformat(each["created_at"]).astimezone(UTC)
        table.add_row(each["id"], each["role"], f"{made:%Y-%m-%d %H:%M:%S}", Text(each["name"]))
    console.print(table)

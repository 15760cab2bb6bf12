"""``winnow keys``: who may ask."""

from enum import StrEnum
from typing import Annotated

import typer

from cli import options
from cli.console import present, print_json, say
from cli.running import run

keys = typer.Typer(
    help="Make, list and revoke the keys that requests carry.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Role(StrEnum):
    """What a key opens."""

    SEARCH = "search"
    ADMIN = "admin"


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="For people: who has it.")],
    role: Annotated[
        Role, typer.Option(help="'search' may only search, 'admin' may do everything.")
    ] = Role.SEARCH,
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """Make a key and print it: this once, it is kept nowhere."""
    from cli import stored_keys

    made = run(stored_keys.create(options.settings_from(data_dir, server), name, role))
    if json:
        print_json(made)
    else:
        say(f"The key {made['id']} of {made['name']} ({made['role']}), shown this once:")
        print(made["key"])


@keys.command("list")
def list_keys(
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """List keys, the oldest first."""
    from cli import stored_keys

    found = run(stored_keys.listed(options.settings_from(data_dir, server)))
    present(found, as_json=json, told=stored_keys.show)


@keys.command()
def revoke(
    identifier: Annotated[str, typer.Argument(help="A key's id.", metavar="ID")],
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """Let a key open nothing any more."""
    from cli import stored_keys

    run(stored_keys.revoke(options.settings_from(data_dir, server), identifier))
    present({"revoked": identifier}, as_json=json, told=f"The key {identifier} opens nothing now.")

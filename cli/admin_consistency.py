"""``winnow admin verify`` and the commands beside it: what each takes."""

from collections.abc import Sequence
from typing import Annotated

import typer

from cli import options
from cli.console import present
from cli.running import FAILED, run
from services.settings import Settings

consistency = typer.Typer(rich_markup_mode=None)
dead_letters = typer.Typer(
    help="List, retry and drop what could not be indexed.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
consistency.add_typer(dead_letters, name="dead-letters")

Generation = Annotated[
    str, typer.Option("--generation", help="Its id; else the live one.", metavar="ID")
]
Ids = Annotated[list[str] | None, typer.Argument(help="Ids of documents.", metavar="[ID...]")]
Every = Annotated[bool, typer.Option("--all", help="All that are on the list.")]


@consistency.command()
def verify(
    generation: Annotated[
        str, typer.Option(help="Its id; else every one that is kept.", metavar="ID")
    ] = "",
    collection: options.CollectionName = "default",
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """Compare ledger, text index and vector index; exit code 1 where they do not agree."""
    from cli import consistency as work

    settings = options.settings_from(data_dir, server)
    found = run(work.verify(settings, collection, generation))
    present(found, as_json=json, told=work.show_verified)
    if not found["clean"]:
        raise typer.Exit(FAILED)


@consistency.command()
def reconcile(
    collection: options.CollectionName = "default",
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """Repair what a comparison finds; where all agrees nothing is written."""
    from cli import consistency as work

    done = run(work.reconcile(options.settings_from(data_dir, server), collection))
    present(done, as_json=json, told=work.told(done))
    if not done["clean"]:
        raise typer.Exit(FAILED)


@dead_letters.command("list")
def list_dead_letters(
    generation: Generation = "",
    collection: options.CollectionName = "default",
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """List what could not be indexed, with the reasons."""
    from cli import consistency as work

    settings = options.settings_from(data_dir, server)
    found = run(work.dead_letters(settings, collection, generation))
    present(found, as_json=json, told=work.show_dead_letters)


@dead_letters.command("retry")
def retry_dead_letters(
    identifiers: Ids = None,
    every: Every = False,
    generation: Generation = "",
    collection: options.CollectionName = "default",
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """Try again to index them."""
    settings = options.settings_from(data_dir, server)
    ids = identifiers or []
    _take(settings, "retry", collection, generation, ids, every=every, as_json=json)


@dead_letters.command("drop")
def drop_dead_letters(
    identifiers: Ids = None,
    every: Every = False,
    generation: Generation = "",
    collection: options.CollectionName = "default",
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """Take them off the list; a document is tried again when it changes."""
    settings = options.settings_from(data_dir, server)
    ids = identifiers or []
    _take(settings, "drop", collection, generation, ids, every=every, as_json=json)


@consistency.command()
def backup(
    file: Annotated[str, typer.Argument(help="A file, or - for standard output.")],
    collections: Annotated[
        list[str] | None,
        typer.Option("-c", "--collection", help="May be repeated; else all.", metavar="NAME"),
    ] = None,
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """Write the ledger into a file: enough to rebuild everything else."""
    from cli import consistency as work
    from cli.files import STANDARD

    settings = options.settings_from(data_dir, server)
    done = run(work.back_up(settings, file, collections or []))
    # Standard output has the backup itself.
    as_json = json and file != STANDARD
    present(done, as_json=as_json, told=f"{done['bytes']:,} bytes written.")


@consistency.command()
def restore(
    file: Annotated[str, typer.Argument(help="A backup, or - for standard input.")],
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """Store what a backup holds and the ledger lacks, and index it."""
    from cli import consistency as work

    done = run(work.restore(options.settings_from(data_dir, server), file))
    names = ", ".join(f"'{name}'" for name in done["collections"])
    told = f"{names}: {done['stored']:,} of {done['records']:,} records were stored."
    present(done, as_json=json, told=told)


@consistency.command()
def audit(
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=10_000)] = 100,
    collection: Annotated[
        str, typer.Option("-c", "--collection", help="Only of this one.", metavar="NAME")
    ] = "",
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """Tell who did what to generations, backups and repairs, newest first."""
    from cli import consistency as work

    entries = run(work.audit(options.settings_from(data_dir, server), collection, limit))
    present(entries, as_json=json, told=work.show_audit)


def _take(
    settings: Settings,
    action: str,
    collection: str,
    generation: str,
    ids: Sequence[str],
    *,
    every: bool,
    as_json: bool,
) -> None:
    """Retry or drop dead letters, and tell."""
    from cli import consistency as work

    done = run(work.take(settings, action, collection, generation, ids, every=every))
    present(done, as_json=as_json, told=work.told_taken(done))

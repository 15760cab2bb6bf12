"""``winnow admin verify`` and the commands beside it: what each takes."""

from typing import Annotated

import typer

from cli import options
from cli.console import answers, print_json, say
from cli.running import FAILED, run

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

    answer = run(work.verify(options.settings_from(data_dir, server), collection, generation))
    if json:
        print_json(answer)
    else:
        work.show_verified(answer, answers())
    if not answer["clean"]:
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
    if json:
        print_json(done)
    else:
        say(work.told(done))
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
    if json:
        print_json(found)
    else:
        work.show_dead_letters(found, answers())


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
    from cli import consistency as work

    settings = options.settings_from(data_dir, server)
    ids = identifiers or []
    done = run(work.take(settings, "retry", collection, generation, ids, every=every))
    if json:
        print_json(done)
    else:
        left = len(done["dead_letters"])
        say(f"{done['retried']:,} were tried again; {left:,} are on the list now.")


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
    from cli import consistency as work

    settings = options.settings_from(data_dir, server)
    ids = identifiers or []
    done = run(work.take(settings, "drop", collection, generation, ids, every=every))
    if json:
        print_json(done)
    else:
        say(f"{done['dropped']:,} are off the list.")


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
    if json and file != STANDARD:
        print_json(done)
    else:
        say(f"{done['bytes']:,} bytes written.")


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
    if json:
        print_json(done)
    else:
        names = ", ".join(f"'{name}'" for name in done["collections"])
        say(f"{names}: {done['stored']:,} of {done['records']:,} records were stored.")


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
    if json:
        print_json(entries)
    else:
        work.show_audit(entries, answers())

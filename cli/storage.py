"""``winnow documents`` and ``winnow collections``: what each takes."""

from typing import Annotated

import typer

from cli import options
from cli.console import present, say
from cli.running import FAILED, SOME_REFUSED, run

documents = typer.Typer(
    help="Get, list and delete documents.", no_args_is_help=True, rich_markup_mode=None
)
collections = typer.Typer(
    help="List, create and delete collections.", no_args_is_help=True, rich_markup_mode=None
)


@documents.command("get")
def get_document(
    identifier: Annotated[str, typer.Argument(help="The document's id.", metavar="ID")],
    collection: options.CollectionName = "default",
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """Print a document."""
    from cli import stored_documents

    settings = options.settings_from(data_dir, server)
    document = run(stored_documents.get(settings, collection, identifier))
    present(document, as_json=json, told=stored_documents.show)


@documents.command("list")
def list_documents(
    prefix: Annotated[str, typer.Option(help="Only ids that begin so.")] = "",
    after: Annotated[str, typer.Option(help="Only ids greater than this one.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=100_000)] = 100,
    collection: options.CollectionName = "default",
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """List documents by id."""
    from cli import stored_documents

    settings = options.settings_from(data_dir, server)
    found = run(stored_documents.listed(settings, collection, after, limit, prefix))
    present(found, as_json=json, told=stored_documents.show_list)


@documents.command("delete")
def delete_documents(
    ids: Annotated[list[str], typer.Argument(help="The documents' ids.", metavar="ID...")],
    collection: options.CollectionName = "default",
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """Delete documents."""
    from cli import stored_documents

    settings = options.settings_from(data_dir, server)
    done = run(stored_documents.delete(settings, collection, ids))
    for identifier, reason in done.refused:
        say(f"winnow: {identifier!r}: {reason}")
    counts = {"deleted": done.changed, "not_found": done.unchanged}
    told = f"{done.changed} deleted, {done.unchanged} were not there."
    present(counts, as_json=json, told=told)
    if done.refused:
        raise typer.Exit(SOME_REFUSED)
    if done.unchanged:
        raise typer.Exit(FAILED)


@collections.command("list")
def list_collections(
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """List collections."""
    from cli import stored_collections

    found = run(stored_collections.listed(options.settings_from(data_dir, server)))
    present(found, as_json=json, told=stored_collections.show)


@collections.command("create")
def create_collection(
    name: Annotated[str, typer.Argument(help="1 to 63 of a-z, 0-9, - and _.")],
    field: Annotated[
        list[str] | None,
        typer.Option("--field", help="KEY=keyword|integer|float|boolean|date; may be repeated."),
    ] = None,
    language: Annotated[str, typer.Option(help="Language of documents that name none.")] = "",
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """Add a collection."""
    from cli import stored_collections

    settings = options.settings_from(data_dir, server)
    schema = stored_collections.schema_from(field or ())
    created = run(stored_collections.create(settings, name, schema, language))
    present(created, as_json=json, told=f"Collection '{name}' is there.")


@collections.command("delete")
def delete_collection(
    name: Annotated[str, typer.Argument(help="The collection's name.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data_dir: options.DataDir = None,
    server: options.Server = None,
) -> None:
    """Remove a collection with all its documents."""
    from cli import stored_collections

    if not yes:
        typer.confirm(f"Remove '{name}' with all its documents?", abort=True, err=True)
    run(stored_collections.delete(options.settings_from(data_dir, server), name))
    say(f"Collection '{name}' is gone.")

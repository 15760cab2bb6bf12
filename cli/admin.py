"""``winnow admin``: what each of its commands takes."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli import options
from cli.console import present, print_json, say
from cli.running import FAILED, run
from services.settings import Settings

admin = typer.Typer(
    help="Rebuild, switch and look after the indexes of a collection while it serves.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

GenerationId = Annotated[
    str, typer.Argument(help="A generation's id, or its beginning.", metavar="[ID]")
]


@admin.command()
def reindex(
    model: Annotated[
        str | None,
        typer.Option(help="The bi-encoder, a name or a path; 'none' builds without vectors."),
    ] = None,
    chunk_tokens: Annotated[
        int | None, typer.Option(help="The longest chunk; 0: as long as the model reads.", min=0)
    ] = None,
    overlap_tokens: Annotated[
        int | None, typer.Option(help="What a chunk repeats of the one before it.", min=0)
    ] = None,
    token_dimensions: Annotated[
        int | None, typer.Option(help="Of late interaction's token vectors; 0: none.", min=0)
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(help="Read every document as being in it; 'own': each in its own."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="A TOML file with these choices.", metavar="FILE")
    ] = None,
    activate: Annotated[
        bool, typer.Option("--activate", help="Switch to it once all checks are passed.")
    ] = False,
    judgments: Annotated[
        Path | None,
        typer.Option(
            help="Judged queries in BEIR's layout: measure the new beside the live generation.",
            metavar="DIR",
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="Which judgments: qrels/SPLIT.tsv.")] = "test",
    queries: Annotated[int | None, typer.Option(help="Only the first so many.", min=1)] = None,
    max_drop: Annotated[
        float, typer.Option(help="The most nDCG@10 that may be lost by the switch.", min=0, max=1)
    ] = 0.01,
    speed: Annotated[
        str, typer.Option(help="Documents a second, or a share of the time such as 50%.")
    ] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Also where the live one is built that way already.")
    ] = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="Leave it to the server; do not watch.")
    ] = False,
    collection: options.CollectionName = "default",
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """Build a new generation beside the live one, check it, and switch where asked to."""
    from cli import reindexing

    chosen: dict[str, object] = {
        "model": model,
        "chunk_tokens": chunk_tokens,
        "overlap_tokens": overlap_tokens,
        "token_dimensions": token_dimensions,
        "language": language,
    }
    order = reindexing.order_from(chosen, config, speed) | {"force": force}
    judged = reindexing.Judged(judgments, split, queries, max_drop) if judgments else None
    work = reindexing.Work(collection, order, activate, detach, judged)
    settings = options.settings_from(data_dir, server)
    result = run(reindexing.perform(settings, work, quiet=json))
    if json:
        print_json(result.to_json())
    if result.refused:
        say(f"winnow: {result.refused}")
        raise typer.Exit(FAILED)


@admin.command()
def generations(
    collection: options.CollectionName = "default",
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """List the generations of a collection, builds with their progress."""
    from cli import generations as work

    found = run(work.listed(options.settings_from(data_dir, server), collection))
    present(found, as_json=json, told=work.show)


@admin.command()
def activate(
    identifier: GenerationId = "",
    force: Annotated[bool, typer.Option("--force", help="Also where a check fails.")] = False,
    collection: options.CollectionName = "default",
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """Let a generation answer searches; without an ID the one that is ready."""
    from cli import generations as work

    settings = options.settings_from(data_dir, server)
    live = run(work.activate(settings, collection, identifier, force=force))
    told = f"'{collection}' is answered by {live['id']}; 'winnow admin rollback' goes back."
    present(live, as_json=json, told=told)


@admin.command()
def rollback(
    to: Annotated[
        str, typer.Option(help="A retired generation; else the last one.", metavar="ID")
    ] = "",
    collection: options.CollectionName = "default",
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """Switch back to the generation that was live before."""
    from cli import generations as work

    live = run(work.rollback(options.settings_from(data_dir, server), collection, to))
    present(live, as_json=json, told=f"'{collection}' is answered by {live['id']} again.")


@admin.command()
def cancel(
    identifier: GenerationId = "",
    collection: options.CollectionName = "default",
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """Give up a build, or a generation that is ready, and remove what it left."""
    from cli import generations as work

    gone = run(work.cancel(options.settings_from(data_dir, server), collection, identifier))
    told = f"The build of {gone} is given up, and what it left is removed."
    present({"cancelled": gone}, as_json=json, told=told)


@admin.command()
def pause(
    identifier: GenerationId = "",
    collection: options.CollectionName = "default",
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """Let a build rest until 'winnow admin resume'."""
    settings = options.settings_from(data_dir, server)
    _change(settings, collection, identifier, {"paused": True}, "rests", as_json=json)


@admin.command()
def resume(
    identifier: GenerationId = "",
    collection: options.CollectionName = "default",
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """Let a build go on that was paused, or that did not pass its checks."""
    settings = options.settings_from(data_dir, server)
    _change(settings, collection, identifier, {"paused": False}, "goes on", as_json=json)


@admin.command()
def speed(
    value: Annotated[
        str, typer.Argument(help="Documents a second, a share such as 50%, or 'full'.")
    ],
    identifier: GenerationId = "",
    collection: options.CollectionName = "default",
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """Change how fast a build may go."""
    from cli.generations import speed_from

    settings = options.settings_from(data_dir, server)
    wanted = {"speed": speed_from(value)}
    _change(settings, collection, identifier, wanted, f"goes at {value}", as_json=json)


@admin.command()
def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be removed.")] = False,
    orphans: Annotated[
        bool, typer.Option("--orphans", help="Also indexes that no generation owns.")
    ] = False,
    collection: options.CollectionName = "default",
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """Remove generations past their grace period, never the live one nor one in use."""
    from cli import generations as work

    settings = options.settings_from(data_dir, server)
    removed = run(work.collect(settings, collection, dry_run=dry_run, orphans=orphans))
    present(
        removed,
        as_json=json,
        told=lambda removed, _: work.show_removed(removed, orphans=orphans),
    )
    if removed["failed"]:
        raise typer.Exit(FAILED)


def _change(
    settings: Settings,
    collection: str,
    identifier: str,
    wanted: dict[str, Any],
    now: str,
    *,
    as_json: bool,
) -> None:
    """Ask something else of a build, and tell what it does now."""
    from cli import generations as work

    build = run(work.change(settings, collection, identifier, wanted))
    present(build, as_json=as_json, told=f"The build of {build['id']} {now}.")

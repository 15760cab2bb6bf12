"""The winnow command: what each subcommand takes. What it does stands in its own module.

Modules are imported by the commands that need them: a search in a new process would
otherwise wait for the web server and every file format.
"""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.admin import admin
from cli.admin_consistency import consistency
from cli.console import present, say
from cli.keys import keys
from cli.running import SOME_REFUSED, UNREACHABLE, guarded, run
from cli.storage import collections, documents
from cli.worker import worker
from services.version import VERSION

app = typer.Typer(
    name="winnow",
    help="Self-hosted search over your documents: BM25 and vectors fused, then reranked.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    # Plain messages: an error is a sentence, not a box.
    rich_markup_mode=None,
)
app.add_typer(documents, name="documents")
app.add_typer(collections, name="collections")
admin.add_typer(consistency)
app.add_typer(admin, name="admin")
app.add_typer(keys, name="keys")
app.command()(worker)


def main() -> int:
    """The command's exit code."""
    return guarded(lambda: app(prog_name="winnow"))


@app.callback(invoke_without_command=True)
def winnow(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Self-hosted search over your documents: BM25 and vectors fused, then reranked."""
    if version:
        print(f"winnow {VERSION}")
        raise typer.Exit


@app.command()
def ingest(
    paths: Annotated[
        list[str],
        typer.Argument(help="Folders, files, globs, or - for standard input.", metavar="PATH..."),
    ],
    collection: options.CollectionName = "default",
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete documents that the paths do not hold.")
    ] = False,
    format: Annotated[  # noqa: A002  # the option's name
        str | None, typer.Option("--format", help="Read everything as this format.")
    ] = None,
    language: Annotated[
        str, typer.Option("--language", help="Language of documents that name none.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read everything and store nothing.")
    ] = False,
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """Store documents of files and index them; unchanged ones cost nothing."""
    from cli import ingest_command

    settings = options.settings_from(data_dir, server)
    work = ingest_command.Choices(tuple(paths), collection, prune, format, language, dry_run)
    done = run(ingest_command.perform(settings, work))
    present(done.to_json(), as_json=json, told=ingest_command.told(done))
    if done.refused:
        raise typer.Exit(SOME_REFUSED)


@app.command()
def search(
    words: Annotated[
        list[str] | None,
        typer.Argument(help="The query; quote phrases and write -word after --.", metavar="WORDS"),
    ] = None,
    collection: options.CollectionName = "default",
    mode: Annotated[str, typer.Option(help="hybrid, lexical or vector.")] = "hybrid",
    rerank: Annotated[str, typer.Option(help="auto, none, late or cross-encoder.")] = "auto",
    filter: Annotated[  # noqa: A002  # the option's name
        list[str] | None,
        typer.Option("--filter", help="KEY=VALUE, or !=, >, >=, <, <=; may be repeated."),
    ] = None,
    filters: Annotated[str, typer.Option("--filters", help="A filter as JSON.")] = "",
    facet: Annotated[
        list[str] | None, typer.Option("--facet", help="Count a key's values; may be repeated.")
    ] = None,
    sort: Annotated[str, typer.Option(help="A key to order by; -KEY for falling.")] = "",
    size: Annotated[int, typer.Option(help="How many results.")] = 10,
    explain: Annotated[bool, typer.Option("--explain", help="Show each result's ranks.")] = False,
    language: Annotated[str, typer.Option(help="The query's language.")] = "",
    generation: Annotated[
        str, typer.Option(help="A kept generation, to compare it with the live one.", metavar="ID")
    ] = "",
    aggregation: Annotated[str | None, typer.Option(help="max, mean, discounted or first.")] = None,
    unit: Annotated[str, typer.Option(help="document or passage.")] = "document",
    next_page: Annotated[
        str | None, typer.Option("--next", help="Go on where an answer ended.", metavar="TOKEN")
    ] = None,
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """Search a collection; no words list everything that the filters leave."""
    from cli import search_command

    settings = options.settings_from(data_dir, server)
    given: dict[str, object] = {
        "query": " ".join(words or ()),
        "mode": mode,
        "rerank": rerank,
        "facets": facet or [],
        "sort": search_command.sort_from(sort),
        "language": language,
        "aggregation": aggregation,
        "unit": unit,
        "generation": generation,
    }
    if next_page is not None:
        given = {"next": next_page}
    given |= {"size": size, "explain": explain}
    answer, keeps_pages = run(
        search_command.perform(settings, collection, given, filter or (), filters)
    )
    present(
        answer.model_dump(mode="json"),
        as_json=json,
        told=lambda _, console: search_command.show(
            answer, console, explain=explain, keeps_pages=keeps_pages
        ),
    )


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Where to listen (WINNOW_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="0 takes a free one (WINNOW_PORT).")] = None,
    open_to_all: Annotated[
        bool, typer.Option("--open", help="Without keys, serve other machines too.")
    ] = False,
    data_dir: options.DataDir = None,
) -> None:
    """Serve the search page and the API until Ctrl-C."""
    from cli.serve import serve as serve_until_told

    settings = options.settings_from(data_dir, host=host, port=port)
    run(serve_until_told(settings, open_to_all=open_to_all))


@app.command()
def demo(
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Stop after the answers.")] = False,
    host: Annotated[str | None, typer.Option(help="Where to listen (WINNOW_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Where to serve (WINNOW_PORT).")] = None,
    data_dir: options.DataDir = None,
) -> None:
    """Index the installed Python's documentation, ask it questions, serve the result."""
    from cli.demo import demo as show_demo

    settings = options.settings_from(data_dir, host=host, port=port)
    run(show_demo(settings, and_serve=not no_serve))


@app.command()
def evaluate(
    folder: Annotated[
        Path, typer.Argument(help="A judged collection in BEIR's layout.", metavar="DIR")
    ],
    split: Annotated[str, typer.Option(help="Which judgments: qrels/SPLIT.tsv.")] = "test",
    queries: Annotated[int | None, typer.Option(help="Only the first so many.", min=1)] = None,
    runs: Annotated[
        Path | None, typer.Option(help="Write TREC run files there.", metavar="DIR")
    ] = None,
    data_dir: options.DataDir = None,
    json: options.Json = False,
) -> None:
    """Measure BM25, vectors, fusion and reranking on a judged collection."""
    from cli.progress import steps
    from evaluation.evaluate import evaluate as measure

    settings = options.settings_from(data_dir)
    with steps() as shown:
        report = run(
            measure(settings, folder, split=split, queries=queries, runs=runs, progress=shown.show)
        )
    if json:
        for note in report.notes:
            say(note)
    present(report.to_json(), as_json=json, told=lambda _, console: console.print(report.table()))


@app.command()
def train(
    out: Annotated[Path, typer.Argument(help="The folder to write.", metavar="OUT")],
    sources: Annotated[
        list[str] | None,
        typer.Argument(help="BEIR folders, files of pairs, click logs.", metavar="SOURCE..."),
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="A TOML file that says everything.", metavar="FILE")
    ] = None,
    root: Annotated[
        Path, typer.Option(help="What the sources' paths are below.", metavar="DIR")
    ] = Path(),
    split: Annotated[str, typer.Option(help="Judgments of BEIR folders.")] = "train",
    documents: Annotated[
        str, typer.Option(help="The corpus.jsonl that click logs speak of.", metavar="FILE")
    ] = "",
    base: Annotated[
        str | None, typer.Option(help="The model to begin with: a name or a path.")
    ] = None,
    late: Annotated[
        bool, typer.Option("--late", help="Train late interaction's token vectors instead.")
    ] = False,
    teacher: Annotated[
        str | None, typer.Option(help='A cross-encoder to learn from, or "prior".')
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Updates; else by epochs.", min=1)] = None,
    epochs: Annotated[float | None, typer.Option(help="Times each query is seen.")] = None,
    seed: Annotated[int | None, typer.Option(help="Makes a run repeatable.")] = None,
    data_dir: options.DataDir = None,
    json: options.Json = False,
) -> None:
    """Train a reranker on judgments; a run that was stopped goes on where it was."""
    from cli import train_command

    changes = {"teacher": teacher, "steps": steps, "epochs": epochs, "seed": seed}
    choices = train_command.Choices(
        out, tuple(sources or ()), recipe, root, split, documents, base, late, changes
    )
    trained = train_command.perform(options.settings_from(data_dir), choices)
    present(
        train_command.figures(trained),
        as_json=json,
        told=lambda _, console: train_command.show(trained, console),
    )


@app.command()
def doctor(
    data_dir: options.DataDir = None,
    server: options.Server = None,
    json: options.Json = False,
) -> None:
    """Tell what Winnow finds here: data directory, its owner, models, versions."""
    from cli.doctor import examine, show

    report = run(examine(options.settings_from(data_dir, server)))
    present(report.to_json(), as_json=json, told=lambda _, console: show(report, console))
    if report.unreachable:
        raise typer.Exit(UNREACHABLE)

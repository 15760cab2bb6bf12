"""The worker command: scores and ingests for API processes, away from them."""

from typing import Annotated

import typer

from cli import options
from cli.console import say


def worker(
    queues: Annotated[
        str,
        typer.Option("--queues", help="What it works on: rerank, ingest.", metavar="NAME[,NAME]"),
    ] = "rerank",
    concurrency: Annotated[
        int | None,
        typer.Option(
            "--concurrency",
            help="Requests for reranking that are worked on at once (32).",
            min=1,
            max=1_024,
        ),
    ] = None,
    data_dir: options.DataDir = None,
) -> None:
    """Rerank or ingest for `winnow serve` elsewhere, until Ctrl-C (WINNOW_BROKER_URL)."""
    from indexer.performing import open_performer
    from workers.app import run_worker

    names = [name.strip() for name in queues.split(",") if name.strip()]
    settings = options.settings_from(data_dir)
    code = run_worker(settings, names, say, concurrency, open_performer)
    if code:
        raise typer.Exit(code)

"""The worker command: scores for API processes, away from them."""

from typing import Annotated

import typer

from cli import options
from cli.console import say


def worker(
    queues: Annotated[
        str, typer.Option("--queues", help="What it works on: rerank.", metavar="NAME[,NAME]")
    ] = "rerank",
    concurrency: Annotated[
        int, typer.Option("--concurrency", help="Requests worked on at once.", min=1, max=1_024)
    ] = 32,
    data_dir: options.DataDir = None,
) -> None:
    """Rerank for `winnow serve` on another machine or GPU, until Ctrl-C (WINNOW_BROKER_URL)."""
    from workers.app import run_worker

    names = [name.strip() for name in queues.split(",") if name.strip()]
    code = run_worker(options.settings_from(data_dir), names, say, concurrency)
    if code:
        raise typer.Exit(code)

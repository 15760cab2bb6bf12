"""Options that several commands take, and the settings that they make."""

from pathlib import Path
from typing import Annotated

import typer

from services.settings import Settings, load_settings

CollectionName = Annotated[
    str, typer.Option("-c", "--collection", help="The collection to work on.", metavar="NAME")
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", help="The data directory (WINNOW_DATA_DIR, else ./data).", metavar="DIR"
    ),
]
Server = Annotated[
    str | None,
    typer.Option(
        "--server",
        help="A running Winnow to ask; one that serves the data directory is found by itself.",
        metavar="URL",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]


def settings_from(
    data_dir: Path | None = None, server: str | None = None, **more: object
) -> Settings:
    """The settings with what the command line says over them."""
    return load_settings(data_dir=data_dir, server=server, **more)

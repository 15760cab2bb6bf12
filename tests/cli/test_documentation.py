"""What can be set and typed is documented, and nothing else is."""

import re
from collections.abc import Iterator
from pathlib import Path

import typer.main

from cli.main import app
from services.settings import Settings

DOCUMENTS = Path(__file__).resolve().parent.parent.parent / "docs"


def commands() -> Iterator[tuple[str, set[str]]]:
    """Every command's full name with its long options."""
    shared = {"--collection", "--data-dir", "--server", "--json", "--help"}
    root = typer.main.get_command(app)
    pending = [((), root)]
    while pending:
        path, command = pending.pop()
        children = getattr(command, "commands", {})
        pending += [((*path, name), child) for name, child in children.items()]
        if not children:
            options = {
                name
                for parameter in command.params
                for name in parameter.opts
                if name.startswith("--")
            }
            yield " ".join(("winnow", *path)), options - shared


def test_every_setting_is_documented_with_its_default() -> None:
    """The table's names and defaults are the code's."""
    text = (DOCUMENTS / "settings.md").read_text()
    rows = re.findall(r"^\| `WINNOW_(\w+)` \| (?:`(.*?)`)? ?\|", text, re.MULTILINE)
    documented = {name.lower(): default for name, default in rows}
    expected = {}
    for name, field in Settings.model_fields.items():
        default = field.default
        if hasattr(default, "get_secret_value"):
            default = default.get_secret_value()
        expected[name] = str(default).lower() if isinstance(default, bool) else str(default or "")
        if default == 0 and not isinstance(default, bool):
            expected[name] = str(default)
        if default == ():
            expected[name] = ""
    assert documented == expected


def test_every_command_and_option_is_documented() -> None:
    """Each leaf of the command tree stands in docs/cli.md, with its own options."""
    text = (DOCUMENTS / "cli.md").read_text()
    found = dict(commands())
    assert len(found) == 34
    for name, options in found.items():
        assert f"`{name}" in text or f"## {name}\n" in text, name
        for option in options:
            assert option in text, f"{name} {option}"


def test_help_of_every_command_says_what_it_does() -> None:
    """No command and no option without a sentence."""
    root = typer.main.get_command(app)
    pending = [root]
    while pending:
        command = pending.pop()
        pending += getattr(command, "commands", {}).values()
        assert command.help, command.name
        for parameter in command.params:
            assert getattr(parameter, "help", ""), (command.name, parameter.name)

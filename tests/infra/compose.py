"""Reads the compose files the way Docker Compose does, as far as ours need it."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parent.parent.parent
BASE = REPOSITORY / "docker-compose.yml"
OVERLAYS = tuple(sorted((REPOSITORY / "infra/compose").glob("*.yml")))
FILES = (BASE, *OVERLAYS)

# ${NAME}, ${NAME:-default}, ${NAME:?sentence}; $$ is a dollar sign.
_VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+)(?:(:[-?])([^}]*))?\})")


def services(file: Path = BASE) -> dict[str, Any]:
    """The services of a file, uninterpolated."""
    found: dict[str, Any] = yaml.safe_load(file.read_text())["services"]
    return found


def variables(file: Path) -> Iterator[tuple[str, str, str]]:
    """(name, ":-" or ":?" or "", default or sentence) of each variable that is asked for."""
    for dollar, name, kind, rest in _VARIABLE.findall(file.read_text()):
        if not dollar:
            yield name, kind, rest


def interpolate(text: str, given: Mapping[str, str]) -> str:
    """A text with its variables replaced; KeyError for a demanded one that is not given."""

    def replace(match: re.Match[str]) -> str:
        dollar, name, kind, rest = match.groups()
        if dollar:
            return "$"
        if given.get(name):
            return given[name]
        if kind == ":?":
            raise KeyError(name)
        return rest or ""

    return _VARIABLE.sub(replace, text)


def environment(name: str, given: Mapping[str, str]) -> dict[str, str]:
    """What a service's process finds in its environment."""
    found = {}
    for key, value in services()[name].get("environment", {}).items():
        if value is not None:
            found[key] = interpolate(str(value), given)
        elif key in given:
            found[key] = given[key]
    return found

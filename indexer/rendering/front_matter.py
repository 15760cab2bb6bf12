"""The block of fields at the head of a Markdown file: YAML between ---, TOML between +++."""

import re
import tomllib
from collections.abc import Mapping

import yaml

_YAML = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_TOML = re.compile(r"\A\+\+\+[ \t]*\n(.*?)^\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_MAX_CHARACTERS = 65_536


class _PlainLoader(yaml.SafeLoader):
    """YAML without aliases, which can make a few lines grow without bounds."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
        return super().compose_node(parent, index)


def split_front_matter(text: str) -> tuple[Mapping[str, object], str]:
    """The fields and the text after them.

    What is not well-formed or no mapping is no front matter (two rules around a paragraph
    look like it): the text stays whole.
    """
    found = _YAML.match(text) or _TOML.match(text)
    if found is None or len(found[1]) > _MAX_CHARACTERS:
        return {}, text
    try:
        fields = _parse(found[1], toml=text.startswith("+"))
    except (yaml.YAMLError, tomllib.TOMLDecodeError, ValueError, RecursionError):
        return {}, text
    if not isinstance(fields, dict):
        return {}, text
    return {str(key): value for key, value in fields.items()}, text[found.end() :]


def _parse(source: str, *, toml: bool) -> object:
    if toml:
        return tomllib.loads(source)
    return yaml.load(source, _PlainLoader)  # noqa: S506 - a SafeLoader with less, not more

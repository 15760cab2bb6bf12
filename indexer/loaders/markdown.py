"""Markdown with YAML or TOML front matter."""

from collections.abc import Iterator

from indexer.draft import Draft
from indexer.drafts import flatten
from indexer.loaders.decoding import decode
from indexer.loaders.source import Source
from indexer.rendering.markdown import render
from services.errors import InvalidDocument


def load(source: Source) -> Iterator[Draft]:
    """One document; front matter gives title, url, language and metadata."""
    rendered = render(decode(source.read()))
    if not rendered.text.strip() and not rendered.title:
        raise InvalidDocument("It is empty.")
    yield Draft(
        id=source.id,
        text=rendered.text,
        title=rendered.title or source.stem,
        url=rendered.url,
        language=rendered.language,
        metadata=flatten(rendered.metadata, "Front matter"),
        outline=rendered.outline,
    )

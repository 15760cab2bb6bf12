"""DOCX by python-docx: paragraphs, headings and tables in their order."""

import re
from collections.abc import Iterator

import docx
from docx.document import Document
from docx.table import Table
from docx.text.paragraph import Paragraph

from indexer.draft import Draft
from indexer.loaders.office import language_of, metadata_of
from indexer.loaders.packages import open_package
from indexer.loaders.source import Source
from indexer.rendering.rendered import TextBuilder
from services.errors import InvalidDocument

_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)


def load(source: Source) -> Iterator[Draft]:
    """One document; title, author, keywords and language from its properties."""
    with open_package(source) as (content, package):
        if "word/document.xml" not in package.namelist():
            raise InvalidDocument("It is not a DOCX file: it holds no Word document.")
        document = docx.Document(content)
    builder = TextBuilder()
    titles = _fill(builder, document)
    if not builder.text.strip():
        raise InvalidDocument("It has no text.")
    properties = document.core_properties
    yield Draft(
        id=source.id,
        text=builder.text,
        title=properties.title.strip() or next(iter(titles), "") or source.stem,
        language=language_of(properties.language),
        metadata=metadata_of(properties),
        outline=builder.outline,
    )


def _fill(builder: TextBuilder, document: Document) -> list[str]:
    """Put the body into the builder; returns its paragraphs in the style of a title."""
    titles: list[str] = []
    listed = False
    for item in document.iter_inner_content():
        if isinstance(item, Table):
            builder.block(_table(item))
            listed = False
            continue
        style = (item.style.name or "") if item.style is not None else ""
        heading = _HEADING.match(style)
        if heading is not None:
            builder.heading(item.text, int(heading[1]))
        elif style == "Title":
            titles.append(" ".join(item.text.split()))
            builder.block(item.text)
        else:
            is_item = style.startswith("List")
            builder.block("- " + item.text if _marked(item, style) else item.text,
                          tight=is_item and listed)  # fmt: skip
            listed = is_item
            continue
        listed = False
    return [title for title in titles if title]


def _marked(paragraph: Paragraph, style: str) -> bool:
    return style.startswith("List Bullet") and bool(paragraph.text.strip())


def _table(table: Table) -> str:
    """A line a row; a cell that spans columns counts once."""
    lines = []
    for row in table.rows:
        cells: list[str] = []
        before = None
        for cell in row.cells:
            if cell._tc is not before:  # noqa: SLF001 - the library tells merged cells no other way
                cells.append(" ".join(cell.text.split()))
            before = cell._tc  # noqa: SLF001
        lines.append(" | ".join(cells))
    return "\n".join(line for line in lines if line.replace("|", "").strip())

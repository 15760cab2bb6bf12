"""PPTX by python-pptx: a heading a slide, its text, tables and notes."""

from collections.abc import Iterable, Iterator

from pptx import Presentation
from pptx.presentation import Presentation as Slides
from pptx.shapes.base import BaseShape
from pptx.shapes.graphfrm import GraphicFrame
from pptx.shapes.group import GroupShape
from pptx.slide import Slide

from indexer.draft import Draft
from indexer.loaders.office import language_of, metadata_of
from indexer.loaders.packages import open_package
from indexer.loaders.source import Source
from indexer.rendering.rendered import TextBuilder
from services.errors import InvalidDocument


def load(source: Source) -> Iterator[Draft]:
    """One document; title, author and keywords from its properties, notes included."""
    with open_package(source) as (content, package):
        if "ppt/presentation.xml" not in package.namelist():
            raise InvalidDocument("It is not a PPTX file: it holds no slides.")
        presentation: Slides = Presentation(content)
    builder = TextBuilder()
    for number, slide in enumerate(presentation.slides, start=1):
        _fill(builder, slide, number)
    if not any(_words(slide) for slide in presentation.slides):
        raise InvalidDocument("It has no text, only pictures.")
    properties = presentation.core_properties
    first = next((_title(slide) for slide in presentation.slides if _title(slide)), "")
    title = properties.title.strip()
    yield Draft(
        id=source.id,
        text=builder.text,
        # PowerPoint and python-pptx call every new file so.
        title=first or source.stem if title in {"", "PowerPoint Presentation"} else title,
        language=language_of(properties.language),
        metadata={**metadata_of(properties), "slides": len(presentation.slides)},
        outline=builder.outline,
    )


def _fill(builder: TextBuilder, slide: Slide, number: int) -> None:
    builder.heading(_title(slide) or f"Slide {number}", 1)
    for text in _texts(slide.shapes, slide.shapes.title):
        builder.block(text)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        notes = slide.notes_slide.notes_text_frame.text.strip()
        if notes:
            builder.block(f"Notes: {_lines(notes)}")


def _title(slide: Slide) -> str:
    title = slide.shapes.title
    return " ".join(title.text_frame.text.split()) if title is not None else ""


def _words(slide: Slide) -> bool:
    return bool(_title(slide)) or any(True for _ in _texts(slide.shapes, None))


def _texts(shapes: Iterable[BaseShape], title: BaseShape | None) -> Iterator[str]:
    for shape in shapes:
        if title is not None and shape.shape_id == title.shape_id:
            continue
        if isinstance(shape, GroupShape):
            yield from _texts(shape.shapes, None)
        elif isinstance(shape, GraphicFrame) and shape.has_table:
            rows = ([_line(cell.text) for cell in row.cells] for row in shape.table.rows)
            yield "\n".join(" | ".join(cells) for cells in rows)
        elif shape.has_text_frame:
            text = _lines(shape.text_frame.text)  # type: ignore[attr-defined]  # has_text_frame
            if text:
                yield text


def _lines(text: str) -> str:
    """Text with line ends for PowerPoint's vertical tabs (breaks inside a paragraph)."""
    return "\n".join(line.strip() for line in text.replace("\v", "\n").split("\n")).strip()


def _line(text: str) -> str:
    return " ".join(text.split())

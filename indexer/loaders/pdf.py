"""PDF by PDFium: text page by page."""

import re
from collections.abc import Iterator
from datetime import date

import pypdfium2 as pdfium  # type: ignore[import-untyped]  # it ships no types

from indexer.draft import Draft
from indexer.loaders.source import Source
from indexer.rendering.rendered import Rendered, TextBuilder
from services.documents import Heading
from services.errors import InvalidDocument

_ENCRYPTED = "It is encrypted: save it without a password."
_DATE = re.compile(r"D:(\d{4})(\d{2})(\d{2})")
_HYPHEN = "\ufffe"  # PDFium's mark of a word that is parted at a line's end


def load(source: Source) -> Iterator[Draft]:
    """One document: title, author and date from its properties, headings from its bookmarks."""
    try:
        with pdfium.PdfDocument(source.read_container()) as pdf:
            yield _draft(source, pdf)
    except pdfium.PdfiumError as error:
        if "password" in str(error).lower() or "security" in str(error).lower():
            raise InvalidDocument(_ENCRYPTED) from None
        raise InvalidDocument(f"It is not a PDF that can be read: {error}") from None


def _draft(source: Source, pdf: pdfium.PdfDocument) -> Draft:
    pages = [_page_text(pdf, number) for number in range(len(pdf))]
    if not any(page.strip() for page in pages):
        raise InvalidDocument("It has no text, only pictures of it: run OCR first.")
    properties = pdf.get_metadata_dict(skip_empty=True)
    rendered = _outlined(pages, _bookmarks(pdf))
    author = properties.get("Author", "").strip()
    metadata = {
        "pages": len(pages),
        "author": [author] if author else None,
        "date": _date(properties.get("CreationDate", "")),
    }
    return Draft(
        id=source.id,
        text=rendered.text,
        title=properties.get("Title", "").strip() or source.stem,
        metadata={key: value for key, value in metadata.items() if value is not None},
        outline=rendered.outline,
    )


def _page_text(pdf: pdfium.PdfDocument, number: int) -> str:
    page = pdf[number]
    try:
        textpage = page.get_textpage()
        try:
            text = str(textpage.get_text_range())
        finally:
            textpage.close()
    finally:
        page.close()
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.replace(f"{_HYPHEN}\n", "").replace(_HYPHEN, "").replace("\0", " ").strip("\n")


def _bookmarks(pdf: pdfium.PdfDocument) -> list[tuple[int, int, str]]:
    """Page (from 0), level (from 1) and title of each bookmark that leads to a page."""
    found: list[tuple[int, int, str]] = []
    try:
        for bookmark in pdf.get_toc(max_depth=6):
            target = bookmark.get_dest()
            page = None if target is None else target.get_index()
            title = " ".join(bookmark.get_title().split())
            if page is not None and title:
                found.append((page, bookmark.level + 1, title))
    except pdfium.PdfiumError:
        return []
    return found


def _outlined(pages: list[str], bookmarks: list[tuple[int, int, str]]) -> Rendered:
    """The pages as one text; a heading stands where its page shows it, or at its start."""
    builder = TextBuilder()
    starts: list[int] = []
    for page in pages:
        starts.append(builder.next_start)
        builder.block(page)
    text = builder.text
    outline = []
    for page_number, level, title in bookmarks:
        if 0 <= page_number < len(pages):
            start = starts[page_number]
            shown = text.find(title, start, start + len(pages[page_number]))
            outline.append(Heading(max(shown, min(start, len(text))), level, title))
    return Rendered(text, outline=tuple(sorted(outline, key=lambda heading: heading.start)))


def _date(text: str) -> date | None:
    found = _DATE.match(text)
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None

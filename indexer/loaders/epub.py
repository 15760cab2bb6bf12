"""EPUB: the chapters in reading order, read with zipfile and lxml alone."""

import posixpath
import zipfile
from collections.abc import Iterator
from datetime import date
from urllib.parse import unquote

from lxml import etree

from indexer.draft import Draft
from indexer.loaders.decoding import decode
from indexer.loaders.office import language_of
from indexer.loaders.packages import open_package
from indexer.loaders.source import Source
from indexer.rendering.html import parse, render_all
from indexer.rendering.rendered import TextBuilder
from services.errors import InvalidDocument

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_NAMES = {
    "container": "urn:oasis:names:tc:opendocument:xmlns:container",
    "opf": "http://www.idpf.org/2007/opf",
    "dc": "http://purl.org/dc/elements/1.1/",
    "enc": "http://www.w3.org/2001/04/xmlenc#",
}


def load(source: Source) -> Iterator[Draft]:
    """One document: title, creators, language, date and subjects from its package file."""
    with open_package(source) as (_, package):
        names = set(package.namelist())
        book, chapters = _book(package, names)
        _refuse_encrypted(package, names, chapters)
        builder = TextBuilder()
        for chapter in chapters:
            tree = parse(decode(package.read(chapter)))
            if tree is not None:
                builder.extend(render_all(tree))
    if not builder.text.strip():
        raise InvalidDocument("It has no text.")
    yield Draft(
        id=source.id,
        text=builder.text,
        title=next(_texts(book, "dc:title"), "") or source.stem,
        language=language_of(next(_texts(book, "dc:language"), "")),
        metadata=_metadata(book),
        outline=builder.outline,
    )


def _book(package: zipfile.ZipFile, names: set[str]) -> tuple[etree._Element, list[str]]:
    """The package file and the paths of the chapters in reading order."""
    if _CONTAINER not in names:
        raise InvalidDocument(f"It is not an EPUB file: {_CONTAINER} is missing.")
    rootfile = _xml(package, _CONTAINER).find(".//container:rootfile", _NAMES)
    path = "" if rootfile is None else rootfile.get("full-path", "")
    if path not in names:
        raise InvalidDocument("Its package file is missing.")
    book = _xml(package, path)
    hrefs = {item.get("id"): item.get("href", "") for item in book.iterfind(".//opf:item", _NAMES)}
    folder = posixpath.dirname(path)
    spine = (hrefs.get(item.get("idref")) for item in book.iterfind(".//opf:itemref", _NAMES))
    chapters = (posixpath.normpath(posixpath.join(folder, unquote(href))) for href in spine if href)
    return book, [chapter for chapter in chapters if chapter in names]


def _xml(package: zipfile.ZipFile, name: str) -> etree._Element:
    # No entities and no network: a package file is data from strangers.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        return etree.fromstring(package.read(name), parser)
    except etree.XMLSyntaxError as error:
        raise InvalidDocument(f"Its {name} is damaged: {error}") from None


def _refuse_encrypted(package: zipfile.ZipFile, names: set[str], chapters: list[str]) -> None:
    """Refuse encrypted chapters; fonts alone are encrypted in many books."""
    if _ENCRYPTION not in names:
        return
    references = _xml(package, _ENCRYPTION).iterfind(".//enc:CipherReference", _NAMES)
    if {unquote(reference.get("URI", "")) for reference in references} & set(chapters):
        raise InvalidDocument("It is encrypted (DRM): only books without it can be read.")


def _texts(book: etree._Element, name: str) -> Iterator[str]:
    for element in book.iterfind(f".//{name}", _NAMES):
        text = " ".join("".join(str(part) for part in element.itertext()).split())
        if text:
            yield text


def _metadata(book: etree._Element) -> dict[str, object]:
    values: dict[str, object] = {
        "author": list(_texts(book, "dc:creator")),
        "publisher": next(_texts(book, "dc:publisher"), ""),
        "date": _date(next(_texts(book, "dc:date"), "")),
        "tags": list(_texts(book, "dc:subject")),
    }
    return {key: value for key, value in values.items() if value}


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None

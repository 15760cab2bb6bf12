"""Which loader reads what: by suffix, else by content."""

import importlib
import json
import re
import zipfile
from collections.abc import Mapping
from io import BytesIO
from typing import cast

from indexer.loaders.decoding import decode
from indexer.loaders.source import Loader
from services.errors import InvalidDocument, InvalidInput

_MODULES: Mapping[str, str] = {
    "text": "plain_text",
    "markdown": "markdown",
    "html": "html",
    "pdf": "pdf",
    "docx": "docx",
    "pptx": "pptx",
    "epub": "epub",
    "csv": "delimited",
    "tsv": "delimited",
    "json": "json",
    "jsonl": "jsonl",
}

FORMATS = tuple(_MODULES)

_SUFFIXES: Mapping[str, str] = {
    **dict.fromkeys((".txt", ".text", ".log", ".rst", ".adoc", ".asciidoc", ".org"), "text"),
    **dict.fromkeys((".md", ".markdown", ".mkd", ".mdown"), "markdown"),
    **dict.fromkeys((".html", ".htm", ".xhtml"), "html"),
    **dict.fromkeys((".tsv", ".tab"), "tsv"),
    **dict.fromkeys((".jsonl", ".ndjson"), "jsonl"),
    **{f".{name}": name for name in ("pdf", "docx", "pptx", "epub", "csv", "json")},
}

SAMPLE_BYTES = 65_536

_HTML = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b",
    re.IGNORECASE | re.DOTALL,
)
_MARKDOWN = re.compile(r"^(?:#{1,6} \S|```|[^\n]+\n(?:===+|---+)$|[-*] \[[ x]\] )", re.MULTILINE)


def format_of(name: str) -> str:
    """The format that a file's suffix stands for, "" for none that is known."""
    dot = name.rfind(".")
    return _SUFFIXES.get(name[dot:].casefold(), "") if dot > 0 else ""


def loader_of(form: str) -> Loader:
    """The loader of a format; raises InvalidInput for one that is not known.

    A format's libraries are imported when it is first met: a command that reads only
    text starts at once.
    """
    if form not in _MODULES:
        raise InvalidInput(f"'{form}' is not a format: use one of {', '.join(FORMATS)}.")
    return cast("Loader", importlib.import_module(f"indexer.loaders.{_MODULES[form]}").load)


def sniff(sample: bytes) -> str:
    """The format of content that begins so.

    Raises:
        InvalidDocument: it is binary and none of the formats.
    """
    if sample.startswith(b"%PDF-"):
        return "pdf"
    if sample.startswith(b"PK\x03\x04"):
        return _package(sample)
    if sample.startswith(b"\xd0\xcf\x11\xe0"):
        return "docx"  # its loader says what an old or encrypted Office file needs
    return _text(decode(sample))


def _package(sample: bytes) -> str:
    """Which zip package it is, by the names in its first parts or its directory."""
    try:
        with zipfile.ZipFile(BytesIO(sample)) as package:
            names = " ".join(package.namelist()).encode()
    except zipfile.BadZipFile:
        names = sample
    for mark, form in ((b"application/epub+zip", "epub"), (b"META-INF/container.xml", "epub"),
                       (b"word/", "docx"), (b"ppt/", "pptx")):  # fmt: skip
        if mark in names or mark in sample:
            return form
    raise InvalidDocument("It is a zip archive: unpack it and ingest the folder.")


def _text(text: str) -> str:
    start = text.lstrip()[:1]
    if start == "{":
        return "jsonl" if _is_object(text.strip().split("\n", 1)[0]) else "json"
    if start == "[" and re.match(r"\s*\[\s*(?:\{|\])", text):
        return "json"
    if _HTML.match(text):
        return "html"
    if text.startswith(("---\n", "+++\n")) or _MARKDOWN.search(text):
        return "markdown"
    return "text"


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False

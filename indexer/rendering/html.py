"""HTML as readable plain text: the main content of a page, or all of a chapter."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import trafilatura
from lxml import etree
from lxml import html as lxml_html
from trafilatura.settings import Document as Page

from indexer.rendering.rendered import Rendered, TextBuilder

# It warns of every page that one of its fallbacks cannot read; the caller sees what came out.
logging.getLogger("trafilatura").setLevel(logging.CRITICAL)

_DROPPED = ("script", "style", "template", "noscript", "svg", "head", "iframe", "object")
_BESIDE = ("nav", "footer", "aside", "form", "dialog", "button", "select")
_FEW_CHARACTERS = 250  # below it, trafilatura too holds its extraction for a failure
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_PARAGRAPHS = frozenset({"p", "dt", "dd", "figcaption", "caption", "summary", "address", "ab"})
_LISTS = frozenset({"ul", "ol", "list"})
_ITEMS = frozenset({"li", "item"})
_ROWS = frozenset({"tr", "row"})
_CELLS = frozenset({"td", "th", "cell"})
_BREAKS = frozenset({"br", "lb", "hr"})
_BLOCKS = frozenset(
    {"div", "section", "article", "main", "body", "blockquote", "quote", "table", "figure"}
    | {"header", "footer", "aside", "nav", "details", "form", "fieldset", "dl", "html"}
    | {"tbody", "thead", "head", "pre", "tfoot", "hgroup", "center"}
    | _PARAGRAPHS | _LISTS | _ITEMS | _ROWS | set(_HEADINGS)
)  # fmt: skip


def render(source: str) -> Rendered:
    """The main content of a page, without navigation, advertisement and the like.

    A page of a few words has no main content that could be told from the rest: all its text
    is taken, save what its markup calls navigation, footer and the like. Title, description,
    author, date, site and tags come from the page's own metadata.
    """
    tree = parse(source)
    if tree is None:
        return Rendered("")
    page = trafilatura.bare_extraction(
        source,
        include_comments=False,
        with_metadata=True,
        date_extraction_params={"extensive_search": False, "original_date": True},
    )
    title = " ".join((tree.findtext(".//title") or "").split())
    language = (tree.get("lang") or "").split("-")[0].lower()
    content = Rendered("")
    if isinstance(page, Page) and page.body is not None:
        content = render_all(page.body)
    if len(content.text) < _FEW_CHARACTERS:
        etree.strip_elements(tree, *_BESIDE, with_tail=False)
        content = render_all(tree)
    if not isinstance(page, Page):
        return replace(content, title=title, language=language)
    return replace(
        content,
        title=(page.title or title).strip(),
        url=page.url or "",
        language=language,
        metadata=_metadata(page),
    )


def parse(source: str) -> lxml_html.HtmlElement | None:
    """The tree of a page, or None where there is none."""
    try:
        # Bytes, since lxml refuses a str that declares an encoding.
        parser = lxml_html.HTMLParser(encoding="utf-8", no_network=True)
        tree = lxml_html.document_fromstring(source.encode(), parser=parser)
    except (etree.LxmlError, ValueError):
        return None
    return tree


def render_all(element: etree._Element) -> Rendered:
    """All the text of an element, blocks apart, headings noted."""
    etree.strip_elements(element, *_DROPPED_OF[element.tag == "html"], with_tail=False)
    etree.strip_tags(element, etree.Comment, etree.ProcessingInstruction)
    builder = TextBuilder()
    _Walk(builder).walk(element)
    return Rendered(builder.text, outline=builder.outline)


# In trafilatura's trees "head" is a heading, in pages it is what stands before the body.
_DROPPED_OF = {True: _DROPPED, False: tuple(tag for tag in _DROPPED if tag != "head")}


class _Walk:
    """Walks a tree without recursion (pages nest deeper than Python does)."""

    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder
        self._inline: list[str] = []
        self._code = 0
        self._items = 0
        self._mark = ""
        self._last = ""

    def walk(self, root: etree._Element) -> None:
        for event, element in etree.iterwalk(root, events=("start", "end")):
            tag = element.tag if isinstance(element.tag, str) else ""
            if event == "start":
                self._start(element, tag)
                self._text(element.text)
            else:
                self._end(element, tag)
                if element is not root:
                    self._text(element.tail)
        self._flush("")

    def _start(self, element: etree._Element, tag: str) -> None:
        if tag in _BREAKS:
            self._inline.append("\n")
        elif _is_block(element, tag):
            self._flush("")
        if tag in _ITEMS:
            self._mark = "  " * self._items + "- "
            self._items += 1
        self._code += _is_code(element, tag)

    def _end(self, element: etree._Element, tag: str) -> None:
        if tag in _CELLS:
            self._inline.append(" | ")
        elif tag in _HEADINGS or tag == "head":
            self._heading(_HEADINGS.get(tag) or _level(element.get("rend", "")))
        elif _is_block(element, tag):
            self._flush("row" if tag in _ROWS else "")
        if tag in _ITEMS:
            self._items -= 1
            self._mark = ""
        self._code -= _is_code(element, tag)

    def _text(self, text: str | None) -> None:
        if text:
            self._inline.append(text if self._code else _spaced(text))

    def _heading(self, level: int) -> None:
        self._builder.heading("".join(self._inline), level)
        self._inline, self._last = [], ""

    def _flush(self, kind: str) -> None:
        """Make a block of the text since the last one."""
        text, self._inline = "".join(self._inline), []
        if not self._code:
            text = "\n".join(" ".join(line.split()) for line in text.split("\n")).strip()
        if not text.strip():
            return
        if self._mark:
            text, self._mark, kind = self._mark + text, "", "item"
        elif kind == "row":
            text = text.removesuffix(" |")
        self._builder.block(text, tight=bool(kind) and kind == self._last)
        self._last = kind


def _is_code(element: etree._Element, tag: str) -> bool:
    return tag == "pre" or (tag == "code" and "\n" in (element.text or ""))


def _is_block(element: etree._Element, tag: str) -> bool:
    """Whether it stands apart from the text around it; in a table's cell nothing does."""
    if tag in _BLOCKS and tag not in _ROWS:
        return not any(parent.tag in _CELLS for parent in _near(element))
    return tag in _BLOCKS or _is_code(element, tag)


def _spaced(text: str) -> str:
    """Text as a browser shows it: a line's end is a space, only ``br`` breaks lines."""
    return text.replace("\n", " ").replace("\r", " ").replace("\t", " ")


def _near(element: etree._Element) -> Iterator[etree._Element]:
    for distance, parent in enumerate(element.iterancestors()):
        if distance == 4:
            return
        yield parent


def _level(rend: str) -> int:
    return int(rend[1]) if len(rend) == 2 and rend[1].isdigit() else 2


def _metadata(page: Page) -> dict[str, object]:
    values: dict[str, object] = {
        "description": page.description,
        "author": [name.strip() for name in (page.author or "").split(";") if name.strip()],
        "date": _date(page.date),
        "site": page.sitename,
        "tags": [*(page.tags or ()), *(page.categories or ())],
    }
    return {key: value for key, value in values.items() if value}


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None

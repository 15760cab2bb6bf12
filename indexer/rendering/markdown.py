"""Markdown (CommonMark with tables) as readable plain text."""

from collections.abc import Mapping, Sequence

from lxml import etree
from lxml import html as lxml_html
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from indexer.rendering.front_matter import split_front_matter
from indexer.rendering.rendered import Rendered, TextBuilder

_MAX_NESTING = 100  # the parser leaves out what is nested deeper
_PARSER = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING}).enable(["table", "strikethrough"])
_TITLES = ("title",)
_URLS = ("url", "link", "canonical", "canonical_url")
_LANGUAGES = ("language", "lang")


def render(source: str) -> Rendered:
    """Text without marks; code kept as it is; front matter as title, url, language, metadata.

    Without a title in the front matter, the first heading is the title if it is of the
    first level. Nesting that no person writes is left as it is.
    """
    fields, body = split_front_matter(source)
    builder = TextBuilder()
    tokens = _PARSER.parse(body)
    if any(token.level >= _MAX_NESTING - 1 for token in tokens):
        builder.block(body)
    else:
        _blocks(SyntaxTreeNode(tokens).children, builder)
    outline = builder.outline
    first = outline[0].text if outline and outline[0].level == 1 else ""
    used = {name: _first(fields, names) for name, names in _KNOWN.items()}
    taken = {key for key, _ in used.values()}
    return Rendered(
        text=builder.text,
        title=used["title"][1] or first,
        url=used["url"][1],
        language=used["language"][1],
        metadata={key: value for key, value in fields.items() if key not in taken},
        outline=outline,
    )


_KNOWN = {"title": _TITLES, "url": _URLS, "language": _LANGUAGES}


def _first(fields: Mapping[str, object], names: Sequence[str]) -> tuple[str, str]:
    """The first of these fields that is a string, with its name."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str):
            return name, value.strip()
    return "", ""


def _blocks(
    nodes: Sequence[SyntaxTreeNode], builder: TextBuilder, indent: str = "", *, tight: bool = False
) -> None:
    for node in nodes:
        match node.type:
            case "heading":
                builder.heading(_inline(node), int(node.tag[1]))
            case "paragraph":
                builder.block(_indented(_inline(node), indent), tight=tight)
            case "fence" | "code_block":
                builder.block(_indented(node.content, indent))
            case "html_block":
                builder.block(_indented(_html_text(node.content), indent))
            case "bullet_list" | "ordered_list":
                _list(node, builder, indent)
            case "table":
                builder.block(
                    "\n".join(_row(row) for part in node.children for row in part.children)
                )
            case _:
                _blocks(node.children, builder, indent)


def _list(node: SyntaxTreeNode, builder: TextBuilder, indent: str) -> None:
    number = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
    for place, item in enumerate(node.children):
        mark = "- " if number is None else f"{number + place}. "
        children = list(item.children)
        if children and children[0].type == "paragraph":
            lead = _indented(_inline(children.pop(0)), indent + " " * len(mark))
            line = indent + mark + lead.lstrip()
            builder.block(line, tight=place > 0 or bool(indent))
        _blocks(children, builder, indent + " " * len(mark), tight=True)


def _row(row: SyntaxTreeNode) -> str:
    return " | ".join(_inline(cell) for cell in row.children)


def _inline(node: SyntaxTreeNode) -> str:
    """The text of a node's inline children."""
    parts: list[str] = []
    pending = list(reversed(node.children))
    while pending:
        child = pending.pop()
        match child.type:
            case "text" | "code_inline":
                parts.append(child.content)
            case "softbreak":
                parts.append(" ")
            case "hardbreak":
                parts.append("\n")
            case "html_inline":
                continue
            case _:
                pending += reversed(child.children)
    return "".join(parts).strip()


def _indented(text: str, indent: str) -> str:
    return "\n".join(indent + line if line else line for line in text.rstrip("\n").split("\n"))


def _html_text(source: str) -> str:
    try:
        element = lxml_html.fragment_fromstring(source, create_parent="div")
    except (etree.LxmlError, ValueError):
        return ""
    etree.strip_elements(element, "script", "style", etree.Comment, with_tail=False)
    return "\n".join(line.strip() for line in element.text_content().splitlines() if line.strip())

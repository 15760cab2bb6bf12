"""How a passage becomes one input of a model: title, heading path, then the text.

A title or heading path of any length may stand beside a passage, so both are cut (in
tokens of the model that reads them) to a small share of the input; the chunker subtracts
what they take, and then no text of a chunk is ever cut.
"""

from services.ports.models import Passage, TokenCounter

MAX_TITLE_TOKENS = 24
MAX_HEADING_TOKENS = 24
_MAX_HEAD_SHARE = 4
_HEADING_SEPARATOR = " > "
_SEPARATOR = "\n"


def passage_input(passage: Passage, counter: TokenCounter, max_tokens: int = 512) -> str:
    """One text of title, heading path and text, each on a line of its own.

    A title that the innermost headings repeat is named once. The text is not cut here.

    Args:
        counter: the tokens of the model that reads it.
        max_tokens: what the model reads; of it title and headings take a quarter at most.
    """
    return passage_head(passage.title, passage.heading_path, counter, max_tokens) + passage.text


def passage_head(
    title: str, heading_path: tuple[str, ...], counter: TokenCounter, max_tokens: int = 512
) -> str:
    """What stands before a passage's text: "" or lines that end with a line break."""
    cap = max_tokens // (2 * _MAX_HEAD_SHARE)
    lines = [_cut(" ".join(title.split()), counter, min(MAX_TITLE_TOKENS, cap))]
    headings = [" ".join(heading.split()) for heading in heading_path]
    headings = [heading for heading in headings if heading and heading != lines[0]]
    path = _HEADING_SEPARATOR.join(headings)
    lines.append(_cut_front(path, counter, min(MAX_HEADING_TOKENS, cap)))
    return "".join(line + _SEPARATOR for line in lines if line)


def head_tokens(
    title: str, heading_path: tuple[str, ...], counter: TokenCounter, max_tokens: int = 512
) -> int:
    """How many tokens title and headings take from a passage's input: for the chunker."""
    return counter.count(passage_head(title, heading_path, counter, max_tokens))


def _cut(text: str, counter: TokenCounter, limit: int) -> str:
    """The beginning of a text, at most ``limit`` tokens."""
    text = text[: limit * 64]
    spans = counter.spans(text)
    if len(spans) <= limit:
        return text
    return text[: int(spans[limit - 1][1])].rstrip()


def _cut_front(text: str, counter: TokenCounter, limit: int) -> str:
    """The end of a text, at most ``limit`` tokens: innermost headings say the most."""
    text = text[-limit * 64 :]
    spans = counter.spans(text)
    if len(spans) <= limit:
        return text
    return text[int(spans[-limit][0]) :].lstrip()

"""Takes a query apart: words, "quoted phrases" and -excluded ones."""

import re
import unicodedata

from services.queries import Words

_PART = re.compile(
    r"""
    (?P<minus>(?<!\S)-)?          # only a minus that starts a word excludes: "e-mail" stays whole
    (?:
        "(?P<phrase>[^"]*)"
      | (?P<word>[^\s"]+)
    )
    """,
    re.VERBOSE,
)
_QUOTES = str.maketrans({"\u201c": '"', "\u201d": '"', "\u201e": '"', "\u00ab": '"', "\u00bb": '"'})


def parse_words(query: str) -> Words:
    """Read a query as a user types it; every string is a valid query.

    A quotation mark without its partner is ignored, as is a minus with nothing behind it.
    Control characters count as spaces; the text is normalised to NFC.
    """
    words: list[str] = []
    phrases: list[str] = []
    excluded: list[str] = []
    for part in _PART.finditer(_clean(query)):
        phrase = part["phrase"]
        text = " ".join((part["word"] if phrase is None else phrase).split())
        if not _has_word(text):
            continue
        if part["minus"]:
            excluded.append(text)
            continue
        words.append(text)
        if phrase is not None:
            phrases.append(text)
    return Words(" ".join(words), tuple(phrases), tuple(excluded))


def plain_words(text: str) -> str:
    """A text as a query in which nothing is a phrase and nothing is excluded."""
    unquoted = _clean(text).replace('"', " ")
    return " ".join(word.lstrip("-") for word in unquoted.split())


def _clean(query: str) -> str:
    visible = "".join(
        " " if unicodedata.category(character) in ("Cc", "Cs") else character for character in query
    )
    text = unicodedata.normalize("NFC", visible).translate(_QUOTES)
    if text.count('"') % 2:
        head, _, tail = text.rpartition('"')
        text = f"{head} {tail}"
    return text


def _has_word(text: str) -> bool:
    """Whether there is more to it than punctuation; symbols and emoji are content."""
    return any(unicodedata.category(character)[0] not in "PZC" for character in text)

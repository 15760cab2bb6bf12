"""Bytes as text: byte order marks, UTF-8, then a guess from the bytes themselves."""

import codecs

from charset_normalizer import from_bytes

from services.errors import InvalidDocument

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE_BYTES = 65_536
_MOST_CONTROLS = 0.01
_HARMLESS = frozenset("\t\n\v\f\r\x1b\x85")

BINARY = "It is not text: it holds bytes that no text encoding has."


def decode(content: bytes) -> str:
    """The text, a newline at the end of every line.

    Raises:
        InvalidDocument: it is binary or in an encoding that cannot be told.
    """
    encoding = detect_encoding(content[:_SAMPLE_BYTES])
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        # The sample was UTF-8 (or ASCII) and the rest is not.
        text = _decode_other(content, error)
    if _is_binary(text[:_SAMPLE_BYTES]):
        raise InvalidDocument(BINARY)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def detect_encoding(sample: bytes) -> str:
    """The encoding of a text that begins with these bytes; raises InvalidDocument."""
    for mark, encoding in _MARKS:
        if sample.startswith(mark):
            return encoding
    if b"\0" in sample:
        raise InvalidDocument(BINARY)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample, final=False)
    except UnicodeDecodeError:
        return _guess(sample)
    return "utf-8"


def _guess(sample: bytes) -> str:
    matches = from_bytes(sample)
    best = matches.best()
    if best is None or _is_binary(str(best)):
        raise InvalidDocument(BINARY)
    for match in matches:
        # Short Western texts fit several code pages alike: then the most common one.
        if match.encoding == "cp1252" and (match.chaos, match.coherence) == (
            best.chaos,
            best.coherence,
        ):
            return match.encoding
    return best.encoding


def _decode_other(content: bytes, error: UnicodeDecodeError) -> str:
    around = content[max(0, error.start - _SAMPLE_BYTES // 2) : error.start + _SAMPLE_BYTES // 2]
    if b"\0" in around:
        raise InvalidDocument(BINARY)
    try:
        return content.decode(_guess(around))
    except UnicodeDecodeError:
        raise InvalidDocument(
            "Its encoding cannot be told: its parts differ. Save it as UTF-8."
        ) from None


def _is_binary(text: str) -> bool:
    controls = sum(mark < " " and mark not in _HARMLESS for mark in text)
    return "\0" in text or controls > _MOST_CONTROLS * len(text)

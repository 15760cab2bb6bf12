"""A document as a caller or a file gives it: before the collection's schema types its metadata."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from services.documents import Heading
from services.errors import TooLarge


@dataclass(frozen=True, slots=True)
class Draft:
    """What becomes a document once the schema has typed its metadata.

    Attributes:
        id: the caller's own; for a file its path below the given root, "/" between parts.
        metadata: raw values as JSON or a loader gives them; None means "not set".
        principals: who may read it; empty means everybody.
        outline: the headings of ``text`` in the order of their starts.
    """

    id: str
    text: str
    title: str = ""
    url: str = ""
    language: str = ""
    metadata: Mapping[str, object] = field(default_factory=dict)
    principals: tuple[str, ...] = ()
    outline: tuple[Heading, ...] = ()

    def checked(self, max_document_bytes: int) -> "Draft":
        """The draft with text and title that can be stored.

        NUL and lone surrogates become U+FFFD one for one, so offsets stay as they are:
        text extracted from real files holds both, and neither carries meaning.

        Raises:
            TooLarge: the text is longer than ``max_document_bytes`` of UTF-8.
        """
        text = storable(self.text)
        size = len(text) if text.isascii() else len(text.encode())
        if size > max_document_bytes:
            raise TooLarge(
                f"Its text has {size} bytes; a document has at most {max_document_bytes} "
                "(WINNOW_MAX_DOCUMENT_BYTES). Split it or raise the limit."
            )
        return replace(self, text=text, title=storable(self.title))


@dataclass(frozen=True, slots=True)
class Refusal:
    """A source that gave no document, and why.

    Attributes:
        source: the file, or "file:line" of one record of it.
        reason: a sentence for whoever runs the command.
        id: the document that it would have been, "" where that is not known. What a run
            failed to read is not gone, so ``--prune`` keeps it; where the id is not known
            it can only keep everything.
    """

    source: str
    reason: str
    id: str = ""


def storable(text: str) -> str:
    """The text with NUL and lone surrogates as U+FFFD, as long in code points as before."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= mark <= "\udfff" else mark for mark in text)
    return text

"""A document as a caller or a file gives it: before the collection's schema types its metadata."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from services.documents import Heading
from services.errors import InvalidDocument, TooLarge


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
        size = len(text.encode())
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
    """

    source: str
    reason: str


def storable(text: str) -> str:
    """The text with NUL and lone surrogates as U+FFFD, as long in code points as before."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= mark <= "\udfff" else mark for mark in text)
    return text


def draft_from_json(
    raw: object, where: str, *, strict: bool = True, identifier: str = ""
) -> Draft:
    """A draft from one parsed JSON value.

    Args:
        raw: ``{"id" or "_id", "text", "title", "url", "language", "metadata", "principals",
            "format"}``.
        where: names the record in error messages ("line 3").
        strict: the API's form, unknown fields are refused; else a file's form, where
            unknown fields become metadata and nested objects are flattened with dots.
        identifier: the id of a record that names none.

    Raises:
        InvalidDocument: a field is missing, unknown or of the wrong type.
        InvalidId: the id cannot be one.
    """
    if not isinstance(raw, dict):
        raise InvalidDocument(f"{where}: a document is a JSON object.")
    return Draft(id=str(raw.get("id", raw.get("_id", identifier))), text=str(raw.get("text", "")))

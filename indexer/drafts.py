"""Drafts of parsed JSON: the API's strict form, and the looser one of files."""

import importlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from indexer.draft import Draft, storable
from indexer.rendering.rendered import Rendered
from services.collections import MAX_KEYWORD_BYTES
from services.documents import check_id
from services.errors import InvalidDocument

_FIELDS = ("id", "_id", "text", "title", "url", "language", "metadata", "principals", "format")
_FORMATS = ("text", "markdown", "html")
_MAX_DEPTH = 16

ID_NAMES = ("id", "_id", "docid", "doc_id", "document_id", "pid", "uuid")
TITLE_NAMES = ("title", "headline", "name", "subject")
TEXT_NAMES = ("text", "contents", "content", "body", "passage", "abstract", "description")
URL_NAMES = ("url", "link", "href")
LANGUAGE_NAMES = ("language", "lang")


def draft_from_json(raw: object, where: str, *, strict: bool = True, identifier: str = "") -> Draft:
    """A draft from one parsed JSON value.

    The API's form is ``{"id" or "_id", "text", "title", "url", "language", "metadata",
    "principals", "format": "text"|"markdown"|"html"}``. A file's records may use other
    names (``TEXT_NAMES`` and its like, the first that is there), and their other fields
    become metadata: nested objects by names joined with dots, strings too long to be
    filtered by as paragraphs of the text.

    Args:
        where: names the record in error messages ("Line 3").
        strict: the API's form; unknown fields and nested metadata are refused.
        identifier: the id of a record that names none.

    Raises:
        InvalidDocument: a field is missing, unknown, of the wrong type or not finite.
        InvalidId: the id cannot be one.
    """
    if not isinstance(raw, Mapping):
        raise InvalidDocument(f"{where}: a document is a JSON object, not {_kind(raw)}.")
    record = _Record(raw, where)
    draft = _from_api(record, identifier) if strict else _from_file(record, identifier)
    check_id(draft.id)
    return draft


@dataclass(frozen=True, slots=True)
class _Record:
    raw: Mapping[str, object]
    where: str

    def string(self, name: str) -> str:
        value = self.raw.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise InvalidDocument(f"{self.where}: '{name}' is a string, not {_kind(value)}.")
        return value

    def strings(self, name: str) -> tuple[str, ...]:
        value = self.raw.get(name)
        if value is None:
            return ()
        if not isinstance(value, (list, tuple)) or not all(
            isinstance(item, str) and item and storable(item) == item for item in value
        ):
            raise InvalidDocument(
                f"{self.where}: '{name}' is a list of strings that are not empty."
            )
        return tuple(value)

    def identifier(self, name: str) -> str:
        value = self.raw.get(name)
        # A number is an id that lost its quotes; BEIR's own corpora have both.
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return self.string(name)

    def first_of(self, names: tuple[str, ...]) -> str:
        """The name of the first field that is there with something in it, or ""."""
        return next((name for name in names if self.raw.get(name) not in (None, "")), "")


def _from_api(record: _Record, identifier: str) -> Draft:
    unknown = sorted(set(record.raw) - set(_FIELDS))
    if unknown:
        raise InvalidDocument(
            f"{record.where}: unknown field '{unknown[0][:80]}'. A document has id, text, title, "
            "url, language, metadata, principals and format; other values go into metadata."
        )
    named = record.identifier("id") or record.identifier("_id")
    if named and identifier and named != identifier:
        raise InvalidDocument(
            f"{record.where}: the body's id {named[:80]!r} is not the URL's {identifier[:80]!r}."
        )
    if not (named or identifier):
        raise InvalidDocument(f"{record.where}: a document needs an 'id'.")
    metadata = record.raw.get("metadata")
    if metadata is not None and not isinstance(metadata, Mapping):
        raise InvalidDocument(f"{record.where}: 'metadata' is an object, not {_kind(metadata)}.")
    values = dict(metadata or {})
    for key, value in values.items():
        _check_flat(record.where, key, value)
    return _draft(record, named or identifier, values, texts=("text", "title", "url", "language"))


def _from_file(record: _Record, identifier: str) -> Draft:
    name = record.first_of(ID_NAMES)
    texts = tuple(
        record.first_of(names) for names in (TEXT_NAMES, TITLE_NAMES, URL_NAMES, LANGUAGE_NAMES)
    )
    used = {name, *texts, "principals", "metadata"}
    if record.raw.get("format") in _FORMATS:
        used.add("format")
    rest = {key: value for key, value in record.raw.items() if key not in used}
    nested = record.raw.get("metadata")
    if isinstance(nested, Mapping):
        rest |= nested
    elif nested is not None:
        rest["metadata"] = nested
    metadata, paragraphs = _flatten(rest, record.where)
    draft = _draft(record, record.identifier(name) or identifier, metadata, texts=texts)
    if not paragraphs:
        return draft
    text = "\n\n".join(part for part in (draft.text, *paragraphs) if part)
    return replace(draft, text=text)


def _draft(
    record: _Record, identifier: str, metadata: Mapping[str, object], texts: tuple[str, ...]
) -> Draft:
    text, title, url, language = (record.string(name) for name in texts)
    rendered = render(storable(text), _format(record))
    for key in metadata:
        if storable(key) != key:
            raise InvalidDocument(f"{record.where}: a metadata key is not valid Unicode.")
    return Draft(
        id=identifier,
        text=rendered.text,
        title=storable(title) or rendered.title,
        url=_whole(record.where, "url", url) or rendered.url,
        language=_whole(record.where, "language", language) or rendered.language,
        metadata={**rendered.metadata, **metadata},
        principals=record.strings("principals"),
        outline=rendered.outline,
    )


def _format(record: _Record) -> str:
    value = record.raw.get("format", "text")
    if value in _FORMATS:
        return str(value)
    if not set(record.raw) - set(_FIELDS):
        raise InvalidDocument(f"{record.where}: 'format' is text, markdown or html.")
    return "text"


def render(text: str, form: str) -> Rendered:
    """The plain text of a markup, with what the markup says beside it."""
    if form == "text":
        return Rendered(text)
    # Imported here alone: the HTML libraries take longer to import than all of Winnow's core.
    rendered: Rendered = importlib.import_module(f"indexer.rendering.{form}").render(text)
    return rendered


def _whole(where: str, name: str, value: str) -> str:
    if storable(value) != value:
        raise InvalidDocument(f"{where}: '{name}' holds NUL or a lone surrogate.")
    return value


def _check_flat(where: str, key: str, value: object) -> None:
    items = value if isinstance(value, (list, tuple)) else (value,)
    for item in items:
        if isinstance(item, (Mapping, list, tuple)):
            raise InvalidDocument(
                f"{where}: metadata '{key[:80]}' is nested. Metadata is flat: strings, numbers, "
                "booleans or arrays of them; join nested names with dots."
            )
        if item is None and value is not None:
            raise InvalidDocument(f"{where}: the array of metadata '{key[:80]}' holds null.")
        _check_finite(where, key, item)


def _check_finite(where: str, key: str, value: object) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidDocument(f"{where}: metadata '{key[:80]}' is not a finite number.")


def _flatten(fields: Mapping[str, object], where: str) -> tuple[dict[str, object], tuple[str, ...]]:
    """Flat metadata, and the strings among it that are too long for it."""
    metadata: dict[str, object] = {}
    paragraphs: list[str] = []
    for key, value in _leaves(fields, where):
        if isinstance(value, str) and len(value.encode(errors="replace")) > MAX_KEYWORD_BYTES:
            paragraphs.append(storable(value))
        elif key in metadata:
            known = metadata[key]
            metadata[key] = [*(known if isinstance(known, list) else [known]), *_listed(value)]
        else:
            metadata[key] = value
    return metadata, tuple(paragraphs)


def flatten(fields: Mapping[str, object], where: str) -> dict[str, object]:
    """Flat metadata of nested fields: names joined with dots, arrays of objects as arrays.

    Raises:
        InvalidDocument: a number is not finite, or objects are nested too deep.
    """
    return _flatten(fields, where)[0]


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _leaves(
    value: object, where: str, path: tuple[str, ...] = (), depth: int = 0
) -> Iterator[tuple[str, object]]:
    """Every value that holds no object with its dotted name, in order; nulls left out."""
    if depth > _MAX_DEPTH:
        raise InvalidDocument(f"{where}: objects are nested deeper than {_MAX_DEPTH} levels.")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, where, (*path, str(key)), depth + 1)
    elif isinstance(value, (list, tuple)):
        if any(isinstance(item, (Mapping, list, tuple)) for item in value):
            for item in value:
                yield from _leaves(item, where, path, depth + 1)
        elif items := [item for item in value if item is not None]:
            for item in items:
                _check_finite(where, ".".join(path), item)
            yield ".".join(path), items
    elif value is not None:
        _check_finite(where, ".".join(path), value)
        yield ".".join(path), value


def _kind(value: object) -> str:
    names: dict[type, str] = {
        dict: "an object", list: "an array", str: "a string", bool: "a boolean",
        int: "a number", float: "a number", type(None): "null",
    }  # fmt: skip
    return names.get(type(value), type(value).__name__)

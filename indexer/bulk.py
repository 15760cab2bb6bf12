"""Documents and deletions as NDJSON, read while they arrive."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

import orjson
from pydantic import TypeAdapter, ValidationError

from indexer.bodies import HeadingBody, Refused
from indexer.draft import Draft
from indexer.drafts import draft_from_json
from indexer.outcomes import Outcome, Removal
from indexer.service import Indexer
from services.documents import Heading, check_id
from services.errors import InvalidDocument, InvalidInput, TooLarge, WinnowError

BATCH_LINES = 256
BATCH_BYTES = 4 * 2**20
MAX_REFUSED_NAMED = 1_000

_OUTLINE = TypeAdapter(list[HeadingBody])


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the body, counted from 1; ``content`` is None where it was over the cap."""

    number: int
    content: bytes | None


@dataclass(slots=True)
class Tally:
    """What became of the lines so far.

    Attributes:
        versions: the newest version of each id that was taken, and its line.
    """

    accepted: int = 0
    unchanged: int = 0
    deleted: int = 0
    refused_total: int = 0
    refused: list[Refused] = field(default_factory=list)
    versions: dict[str, tuple[int, int]] = field(default_factory=dict)

    def refuse(self, line: int, identifier: str, slug: str, detail: str) -> None:
        """Count a refusal, and name it while there is room."""
        self.refused_total += 1
        if len(self.refused) < MAX_REFUSED_NAMED:
            self.refused.append(Refused(line=line, id=identifier[:512], type=slug, detail=detail))

    def count(self, line: int, outcome: Outcome) -> None:
        """Count one outcome."""
        if outcome.cause is not None:
            self.refuse(line, outcome.id, outcome.error, outcome.refused)
            return
        self.versions[outcome.id] = (outcome.version, line)
        if not outcome.changed:
            self.unchanged += 1
        elif outcome.removal:
            self.deleted += 1
        else:
            self.accepted += 1

    def bury(self, identifier: str, reason: str) -> None:
        """Count a document as refused that was stored and cannot be indexed."""
        _, line = self.versions[identifier]
        self.refuse(line, identifier, InvalidDocument.slug, reason)


async def take_lines(
    indexer: Indexer, collection: str, body: AsyncIterator[bytes], max_line_bytes: int
) -> Tally:
    """Store the documents and deletions of a body, in the order of its lines.

    Lines are stored in batches while the rest is on its way: where the body breaks off, what
    was read stays stored.
    """
    tally = Tally()
    batch: list[Line] = []
    size = 0
    async for line in split_lines(body, max_line_bytes):
        batch.append(line)
        size += len(line.content or b"")
        if len(batch) >= BATCH_LINES or size >= BATCH_BYTES:
            await _store(indexer, collection, batch, max_line_bytes, tally)
            batch, size = [], 0
    await _store(indexer, collection, batch, max_line_bytes, tally)
    return tally


async def split_lines(body: AsyncIterator[bytes], max_line_bytes: int) -> AsyncIterator[Line]:
    """The lines of a body without the blank ones; of one over the cap nothing is kept."""
    number, parts, size = 1, list[bytes](), 0
    async for piece in body:
        *ended, rest = piece.split(b"\n")
        for end in ended:
            if line := _line(number, [*parts, end], size + len(end), max_line_bytes):
                yield line
            number, parts, size = number + 1, [], 0
        size += len(rest)
        parts = [*parts, rest] if size <= max_line_bytes else []
    if line := _line(number, parts, size, max_line_bytes):
        yield line


def _line(number: int, parts: Sequence[bytes], size: int, max_line_bytes: int) -> Line | None:
    if size > max_line_bytes:
        return Line(number, None)
    content = b"".join(parts).strip()
    if number == 1:
        content = content.removeprefix(b"\xef\xbb\xbf")
    return Line(number, content) if content else None


async def _store(
    indexer: Indexer, collection: str, batch: Sequence[Line], max_line_bytes: int, tally: Tally
) -> None:
    parsed = await asyncio.to_thread(
        lambda: [_parse_or_refuse(line, max_line_bytes) for line in batch]
    )
    taken: list[tuple[int, Draft | Removal]] = []
    for line, result in zip(batch, parsed, strict=True):
        if isinstance(result, WinnowError):
            tally.refuse(line.number, "", result.slug, result.detail)
        else:
            taken.append((line.number, result))
    outcomes = await indexer.write(collection, [operation for _, operation in taken])
    for (number, _), outcome in zip(taken, outcomes, strict=True):
        tally.count(number, outcome)


def _parse_or_refuse(line: Line, max_line_bytes: int) -> Draft | Removal | WinnowError:
    try:
        if line.content is None:
            raise TooLarge(f"The line has more than {max_line_bytes} bytes.")
        return parse_line(line.content, f"Line {line.number}")
    except WinnowError as error:
        return error


def parse_line(content: bytes, where: str) -> Draft | Removal:
    """A document, or ``{"delete": id}``.

    Raises:
        InvalidInput: it is neither, with the place where the JSON breaks.
    """
    raw = parse_json(content, where)
    if isinstance(raw, dict) and "delete" in raw:
        identifier = raw["delete"]
        if len(raw) > 1 or not isinstance(identifier, str):
            raise InvalidDocument(f'{where}: a deletion is {{"delete": "id"}} and nothing else.')
        return Removal(check_id(identifier))
    return parse_document(raw, where)


def parse_json(content: bytes, where: str) -> object:
    """Parsed JSON, or InvalidInput saying where it breaks."""
    try:
        parsed: object = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"{where} is not JSON (UTF-8, no NaN): {error}.") from None
    return parsed


def parse_document(raw: object, where: str, identifier: str = "") -> Draft:
    """A draft in the API's form, its outline included.

    Raises:
        InvalidDocument, InvalidId: with ``where`` at the front.
    """
    if not isinstance(raw, dict) or "outline" not in raw:
        return draft_from_json(raw, where, identifier=identifier)
    headings = _outline(raw.pop("outline"), where)
    draft = draft_from_json(raw, where, identifier=identifier)
    if headings and raw.get("format", "text") != "text":
        raise InvalidDocument(f"{where}: markdown and html bring their own outline; leave it out.")
    return replace(draft, outline=headings) if headings else draft


def _outline(raw: object, where: str) -> tuple[Heading, ...]:
    try:
        return tuple(heading.heading() for heading in _OUTLINE.validate_python(raw or []))
    except ValidationError:
        raise InvalidDocument(
            f'{where}: \'outline\' is a list of {{"start", "level", "text"}}.'
        ) from None

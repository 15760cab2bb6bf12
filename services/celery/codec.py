"""What travels between API and workers: JSON, versioned, checked in both directions.

Floats are exact (their shortest decimal form), non-finite scores are null. A message of
another version is refused, so that a half-done upgrade costs reranking, never sense.
"""

from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from services.errors import InvalidInput, TooLarge
from services.models.load import Load
from services.ports.ingestion import DocumentVersion, IngestResult, IngestTask
from services.ports.models import ModelCard, Passage

VERSION: Final = 1
MAX_BYTES = 16 * 2**20

Finite = Annotated[float, Field(allow_inf_nan=False)]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Passages to score.

    Attributes:
        remaining_s: what was left of the deadline when it was sent.
        expires_at_s: the deadline on the broker's clock.
    """

    v: Literal[1] = VERSION
    query: str
    passages: tuple[Passage, ...]
    remaining_s: Finite
    expires_at_s: Finite

    @property
    def sent_at_s(self) -> float:
        """When it was sent, on the broker's clock."""
        return self.expires_at_s - self.remaining_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A request's answer.

    Attributes:
        held_s: from the worker's taking the request to its answer.
    """

    v: Literal[1] = VERSION
    id: str
    scores: tuple[Annotated[float, Field(allow_inf_nan=False)] | None, ...]
    truncated: tuple[bool, ...]
    model: ModelCard
    worker: str
    compute_ms: Finite
    queue_ms: Finite
    held_s: Finite


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Why a request has no scores: an error's slug and its sentence."""

    v: Literal[1] = VERSION
    id: str
    slug: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """A worker that lives.

    Attributes:
        at_s: when, on the broker's clock.
        wait_s: how long requests of late stood in the broker before they were taken.
    """

    v: Literal[1] = VERSION
    worker: str
    model: ModelCard
    load: Load
    at_s: Finite
    wait_s: Finite


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestRequest:
    """Documents to ingest."""

    v: Literal[1] = VERSION
    task: IngestTask


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What a worker did of a task; ``id`` is the request's."""

    v: Literal[1] = VERSION
    id: str
    result: IngestResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A task that a worker has in hand, from taking it to its reply.

    Attributes:
        generation: its name in an engine, unique over collections.
        begun: False while it waits for its turn in the worker.
    """

    v: Literal[1] = VERSION
    worker: str
    generation: str
    documents: tuple[DocumentVersion, ...]
    begun: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestHeartbeat:
    """A worker that ingests and lives.

    Attributes:
        at_s: when, on the broker's clock.
        chunks_per_s: of late, while it worked; 0.0 before the first task is done.
        leaving: it was told to stop and finishes what it has.
    """

    v: Literal[1] = VERSION
    worker: str
    at_s: Finite
    chunks_per_s: Finite
    leaving: bool = False


Reply = Scored | Failed | Ingested

_REQUEST = TypeAdapter(Request)
_REPLY: TypeAdapter[Reply] = TypeAdapter(Reply)
_HEARTBEAT = TypeAdapter(Heartbeat)
_INGEST_REQUEST = TypeAdapter(IngestRequest)
_CLAIM = TypeAdapter(Claim)
_INGEST_HEARTBEAT = TypeAdapter(IngestHeartbeat)


def encode_request(request: Request) -> str:
    """A request as JSON; raises TooLarge, or InvalidInput for what is no Unicode text."""
    return _encode(_REQUEST, request)


def decode_request(text: str | bytes) -> Request:
    """A request from JSON; raises InvalidInput or TooLarge."""
    return _decode(_REQUEST, text)


def encode_reply(reply: Reply) -> str:
    """A reply as JSON, its non-finite scores as null."""
    return _encode(_REPLY, reply)


def decode_reply(text: str | bytes) -> Reply:
    """A reply from JSON; raises InvalidInput or TooLarge."""
    return _decode(_REPLY, text)


def encode_heartbeat(heartbeat: Heartbeat) -> str:
    """A heartbeat as JSON."""
    return _encode(_HEARTBEAT, heartbeat)


def decode_heartbeat(text: str | bytes) -> Heartbeat:
    """A heartbeat from JSON; raises InvalidInput or TooLarge."""
    return _decode(_HEARTBEAT, text)


def encode_ingest_request(request: IngestRequest) -> str:
    """A request to ingest as JSON; raises TooLarge."""
    return _encode(_INGEST_REQUEST, request)


def decode_ingest_request(text: str | bytes) -> IngestRequest:
    """A request to ingest from JSON; raises InvalidInput or TooLarge."""
    return _decode(_INGEST_REQUEST, text)


def encode_claim(claim: Claim) -> str:
    """A claim as JSON; raises TooLarge."""
    return _encode(_CLAIM, claim)


def decode_claim(text: str | bytes) -> Claim:
    """A claim from JSON; raises InvalidInput or TooLarge."""
    return _decode(_CLAIM, text)


def encode_ingest_heartbeat(heartbeat: IngestHeartbeat) -> str:
    """An ingesting worker's heartbeat as JSON."""
    return _encode(_INGEST_HEARTBEAT, heartbeat)


def decode_ingest_heartbeat(text: str | bytes) -> IngestHeartbeat:
    """An ingesting worker's heartbeat from JSON; raises InvalidInput or TooLarge."""
    return _decode(_INGEST_HEARTBEAT, text)


def _encode(adapter: TypeAdapter[T], value: T) -> str:
    try:
        text = adapter.dump_json(value)
    except PydanticSerializationError as error:
        raise InvalidInput(f"It cannot be sent to a worker: {error}") from None
    _check_size(text)
    return text.decode()


def _decode(adapter: TypeAdapter[T], text: str | bytes) -> T:
    _check_size(text)
    try:
        return adapter.validate_json(text, strict=True)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise InvalidInput(
            f"A message between API and workers cannot be read ({place or 'JSON'}: "
            f"{fault['msg']}). Version {VERSION} is understood here: run the same version of "
            "Winnow on both sides."
        ) from None


def _check_size(text: str | bytes) -> None:
    if len(text) > MAX_BYTES:
        raise TooLarge(
            f"A message of {len(text)} bytes is over the {MAX_BYTES} that travel to or from a "
            "worker: rerank fewer or shorter passages."
        )

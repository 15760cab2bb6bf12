"""Messages between API and workers: exact, versioned, checked."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.celery.codec import (
    MAX_BYTES,
    Claim,
    Failed,
    Heartbeat,
    Ingested,
    IngestHeartbeat,
    IngestRequest,
    Request,
    Scored,
    decode_claim,
    decode_heartbeat,
    decode_ingest_heartbeat,
    decode_ingest_request,
    decode_reply,
    decode_request,
    encode_claim,
    encode_heartbeat,
    encode_ingest_heartbeat,
    encode_ingest_request,
    encode_reply,
    encode_request,
)
from services.errors import InvalidInput, TooLarge, WinnowError
from services.models.load import Load
from services.ports.ingestion import IngestResult, IngestTask
from services.ports.models import ModelCard, Passage

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
finite = st.floats(allow_nan=False, allow_infinity=False)
passages = st.builds(Passage, text, text, st.lists(text, max_size=3).map(tuple))
cards = st.builds(
    ModelCard, text, text, text, text, text, st.integers(0, 2**31), st.frozensets(text, max_size=3)
)
requests = st.builds(
    Request,
    v=st.just(1),
    query=text,
    passages=st.lists(passages, max_size=5).map(tuple),
    remaining_s=finite,
    expires_at_s=finite,
)
replies = st.builds(
    Scored,
    v=st.just(1),
    id=text,
    scores=st.lists(st.none() | finite, max_size=8).map(tuple),
    truncated=st.lists(st.booleans(), max_size=8).map(tuple),
    model=cards,
    worker=text,
    compute_ms=finite,
    queue_ms=finite,
    held_s=finite,
) | st.builds(Failed, v=st.just(1), id=text, slug=text, detail=text)
heartbeats = st.builds(
    Heartbeat,
    v=st.just(1),
    worker=text,
    model=cards,
    load=st.builds(Load, finite, finite, finite, st.integers(0, 10**6)),
    at_s=finite,
    wait_s=finite,
)
versions = st.lists(st.tuples(text, st.integers(0, 2**53)), max_size=4).map(tuple)
ingest_requests = st.builds(
    IngestRequest,
    v=st.just(1),
    task=st.builds(
        IngestTask,
        collection=text,
        generation=text,
        documents=versions,
        language=text,
        alone=st.booleans(),
    ),
)
ingested = st.builds(
    Ingested,
    v=st.just(1),
    id=text,
    result=st.builds(
        IngestResult,
        indexed=st.dictionaries(text, st.integers(0, 2**53), max_size=3),
        refused=st.dictionaries(text, st.tuples(st.integers(0, 2**53), text), max_size=3),
        chunks=st.integers(0, 2**31),
        worker=text,
    ),
)
claims = st.builds(
    Claim, v=st.just(1), worker=text, generation=text, documents=versions, begun=st.booleans()
)
ingest_heartbeats = st.builds(
    IngestHeartbeat,
    v=st.just(1),
    worker=text,
    at_s=finite,
    chunks_per_s=finite,
    leaving=st.booleans(),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)
few = settings(max_examples=60, deadline=None)


@few
@given(requests)
def test_a_request_comes_back_as_it_was(request: Request) -> None:
    """Every float to its last bit, every character."""
    assert decode_request(encode_request(request)) == request


@few
@given(replies)
def test_a_reply_comes_back_as_it_was(reply: Scored | Failed) -> None:
    """Scores and failures alike."""
    assert decode_reply(encode_reply(reply)) == reply


@few
@given(heartbeats)
def test_a_heartbeat_comes_back_as_it_was(heartbeat: Heartbeat) -> None:
    """Speed, queue and model."""
    assert decode_heartbeat(encode_heartbeat(heartbeat)) == heartbeat


@few
@given(ingest_requests, ingested, claims, ingest_heartbeats)
def test_what_ingestion_says_comes_back_as_it_was(
    request: IngestRequest, reply: Ingested, claim: Claim, heartbeat: IngestHeartbeat
) -> None:
    """Any id and any reason."""
    assert decode_ingest_request(encode_ingest_request(request)) == request
    assert decode_reply(encode_reply(reply)) == reply
    assert decode_claim(encode_claim(claim)) == claim
    assert decode_ingest_heartbeat(encode_ingest_heartbeat(heartbeat)) == heartbeat


@few
@given(st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode()))
def test_what_is_no_message_is_refused(raw: bytes) -> None:
    """With Winnow's own error, whatever comes."""
    for decode in (
        decode_request,
        decode_reply,
        decode_heartbeat,
        decode_ingest_request,
        decode_claim,
        decode_ingest_heartbeat,
    ):
        with pytest.raises(WinnowError):
            decode(raw)


@few
@given(requests, st.sampled_from(["v", "query", "passages", "remaining_s", "expires_at_s"]), values)
def test_a_damaged_request_is_refused_or_whole(request: Request, field: str, value: object) -> None:
    """One field of another type never becomes half a request."""
    damaged = json.dumps(json.loads(encode_request(request)) | {field: value})
    try:
        decoded = decode_request(damaged)
    except InvalidInput:
        return
    assert decode_request(encode_request(decoded)) == decoded


def test_another_version_is_refused_and_more_fields_are_not() -> None:
    """So that a change of meaning needs a new number, and an addition none."""
    plain = json.loads(encode_reply(Failed(id="a", slug="b", detail="c")))
    assert decode_reply(json.dumps(plain | {"more": 1})) == Failed(id="a", slug="b", detail="c")
    for version in (0, 2, "1", None, 1.5):
        with pytest.raises(InvalidInput, match="Version 1 is understood"):
            decode_reply(json.dumps(plain | {"v": version}))


def test_a_score_that_is_not_finite_travels_as_none() -> None:
    """JSON knows no NaN."""
    card = ModelCard("m", "r", "numpy", "cpu", "fp32", 512)
    reply = Scored(
        id="a",
        scores=(math.nan, math.inf, 0.1),
        truncated=(False, False, True),
        model=card,
        worker="host:1",
        compute_ms=1.0,
        queue_ms=0.0,
        held_s=0.0,
    )
    assert json.loads(encode_reply(reply))["scores"] == [None, None, 0.1]
    decoded = decode_reply(encode_reply(reply))
    assert isinstance(decoded, Scored)
    assert decoded.scores == (None, None, 0.1)


def test_a_message_has_a_largest_size_and_must_be_text() -> None:
    """On the way out and on the way in."""
    long = Request(
        query="q", passages=(Passage("x" * MAX_BYTES),), remaining_s=1.0, expires_at_s=1.0
    )
    with pytest.raises(TooLarge):
        encode_request(long)
    with pytest.raises(TooLarge):
        decode_request(b" " * (MAX_BYTES + 1))
    with pytest.raises(InvalidInput):
        encode_request(Request(query="\ud800", passages=(), remaining_s=1.0, expires_at_s=1.0))

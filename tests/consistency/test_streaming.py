"""Answers that tell how far they are."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request
from fastapi.responses import StreamingResponse

from indexer.consistency.headway import OnStage, Stage
from indexer.consistency_bodies import TakenAnswer
from indexer.outcomes import Progress
from indexer.streaming import NDJSON, told
from services.errors import CollectionNotFound, NotFound
from tests.web.test_application import application

ASKED = Request({"type": "http", "headers": [(b"accept", NDJSON.encode())]})


async def lines(answer: object) -> list[dict[str, Any]]:
    """What a stream holds."""
    assert isinstance(answer, StreamingResponse)
    return [json.loads(bytes(line)) async for line in answer.body_iterator if line]  # type: ignore[arg-type]


async def test_both_routes_tell_how_far_they_are(tmp_path: Path) -> None:
    """The result is what others get as the whole answer; a stage is told from its beginning."""
    async with application(tmp_path) as client:
        for number in range(3):
            await client.put(
                f"/v1/collections/default/documents/{number}",
                params={"create": "true", "wait": "true"},
                json={"text": f"Zebra {number}"},
            )
        await client.delete("/v1/collections/default/documents/0", params={"wait": "true"})
        for method, path in (("GET", "/v1/admin/verify"), ("POST", "/v1/admin/reconcile")):
            whole = await client.request(method, path)
            assert whole.headers["content-type"] == "application/json"
            answer = await client.request(method, path, headers={"Accept": NDJSON})
            assert answer.headers["content-type"] == NDJSON
            *progress, last = map(json.loads, answer.text.splitlines())
            assert last == {"result": whole.json()}
            end = progress[-1]["progress"]
            # The deleted one is compared too, and nobody knew beforehand that it is there.
            assert (end["stage"], end["documents"], end["total"]) == ("comparing", 2, 2)
            assert end["seconds"] > 0
            assert end["seconds_left"] == 0
            missing = await client.request(
                method, path, params={"collection": "absent"}, headers={"Accept": NDJSON}
            )
            assert (missing.status_code, missing.json()["type"]) == (
                404,
                "/problems/collection-not-found",
            )


async def test_what_fails_later_is_a_line() -> None:
    """A problem, as a whole answer would have been one."""

    async def work(on_stage: OnStage) -> TakenAnswer:
        on_stage(Stage.COMPARING, Progress(10, 40, 0, 2.0))
        await asyncio.sleep(0)
        raise NotFound("It is gone.")

    first, last = await lines(await told(ASKED, work))
    assert first["progress"] == {
        "stage": "comparing",
        "documents": 10,
        "total": 40,
        "chunks": 0,
        "seconds": 2.0,
        "seconds_left": 6.0,
    }
    assert (last["problem"]["status"], last["problem"]["detail"]) == (404, "It is gone.")


async def test_what_fails_at_once_is_no_answer() -> None:
    """The error itself: it gets its status."""

    async def work(on_stage: OnStage) -> TakenAnswer:
        raise CollectionNotFound("There is none.")

    with pytest.raises(CollectionNotFound):
        await told(ASKED, work)


async def test_work_ends_with_whoever_waits_for_it() -> None:
    """A command that was interrupted leaves nothing running."""
    ended = asyncio.Event()

    async def work(on_stage: OnStage) -> TakenAnswer:
        on_stage(Stage.INDEXING, Progress(0, 1, 0, 0.0))
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        return TakenAnswer(count=0)

    answer = await told(ASKED, work)
    assert isinstance(answer, StreamingResponse)
    stream = answer.body_iterator
    assert isinstance(stream, AsyncIterator)
    assert json.loads(bytes(await anext(stream)))["progress"]["stage"] == "indexing"  # type: ignore[arg-type]
    await stream.aclose()  # type: ignore[attr-defined]
    async with asyncio.timeout(10):
        await ended.wait()

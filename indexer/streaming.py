"""Answers that tell how far they are, for whoever accepts JSON lines.

Each line is an object with one key: ``progress`` once a second, then ``result``, which is what
others get as the whole answer, or ``problem``.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from fastapi import Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from indexer.consistency.headway import OnStage, Stage, silent
from indexer.outcomes import Progress
from services.errors import WinnowError
from services.web.problems import problem

NDJSON = "application/x-ndjson"

TELL_S = 1.0
"""A line comes so often, also where nothing has changed: the connection is alive."""

Answer = TypeVar("Answer", bound=BaseModel)


class StageAnswer(BaseModel):
    """How far a request has come."""

    stage: Stage
    documents: int = Field(description="done in this stage")
    total: int = Field(description="as far as is known by now")
    chunks: int
    seconds: float = Field(description="since the stage began")
    seconds_left: float | None = Field(description="at the rate so far; null: not known yet")

    @classmethod
    def of(cls, stage: Stage, progress: Progress) -> "StageAnswer":
        """The answer for a moment."""
        return cls(
            stage=stage,
            documents=progress.documents,
            total=progress.total,
            chunks=progress.chunks,
            seconds=progress.seconds,
            seconds_left=progress.seconds_left,
        )


async def told(
    request: Request, work: Callable[[OnStage], Awaitable[Answer]]
) -> Answer | StreamingResponse:
    """Work's answer, with its progress before it where the request accepts that.

    Raises:
        WinnowError: it failed before there was any progress; later that is a line.
    """
    if NDJSON not in request.headers.get("accept", ""):
        return await work(silent)
    telling = _Telling(work)
    await telling.begun()
    return StreamingResponse(telling.lines(), media_type=NDJSON)


class _Telling:
    """Work under way, and what it said last; it ends with whoever listens."""

    def __init__(self, work: Callable[[OnStage], Awaitable[BaseModel]]) -> None:
        self._said: StageAnswer | None = None
        self._heard = asyncio.Event()
        self._task = asyncio.ensure_future(work(self._hear))

    async def begun(self) -> None:
        """Return once there is progress or an answer; raises what work raised before that."""
        hearing = asyncio.ensure_future(self._heard.wait())
        try:
            await asyncio.wait((hearing, self._task), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._task.cancel()
            raise
        finally:
            hearing.cancel()
        if self._said is None:
            await self._task

    async def lines(self) -> AsyncIterator[bytes]:
        """Every line."""
        try:
            while not self._task.done():
                if self._said is not None:
                    yield _line("progress", self._said.model_dump(mode="json"))
                await asyncio.wait((self._task,), timeout=TELL_S)
            if self._said is not None:
                yield _line("progress", self._said.model_dump(mode="json"))
            try:
                result = await self._task
            except WinnowError as error:
                yield _line("problem", json.loads(bytes(problem(error).body)))
            else:
                yield _line("result", result.model_dump(mode="json"))
        finally:
            self._task.cancel()

    def _hear(self, stage: Stage, progress: Progress) -> None:
        self._said = StageAnswer.of(stage, progress)
        self._heard.set()


def _line(key: str, value: object) -> bytes:
    return json.dumps({key: value}, separators=(",", ":")).encode() + b"\n"

"""A server that is away, hangs, is too old or answers nonsense: errors of ours, in time."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from services.errors import BackendUnavailable, DeadlineExceeded, InvalidInput
from services.qdrant import QdrantConfiguration, QdrantStore, connect
from tests.vectors.examples import generation

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

HURRIED = QdrantConfiguration(read_timeout_s=0.5, write_timeout_s=0.5)


@asynccontextmanager
async def listening(handler: Handler) -> AsyncIterator[int]:
    """The port of a server of our own."""
    async with await asyncio.start_server(handler, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def store_at(
    port: int, *, grpc_port: int = 0, configuration: QdrantConfiguration = HURRIED
) -> AsyncIterator[QdrantStore]:
    """A store that asks there."""
    client = connect(f"http://127.0.0.1:{port}", configuration, grpc_port=grpc_port)
    store = QdrantStore(client, configuration)
    try:
        yield store
    finally:
        await store.close()


def answering(status: str, content: object) -> Handler:
    """A server that answers every request alike."""
    body = json.dumps(content).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    return answer


@pytest.mark.parametrize("over_grpc", [False, True])
async def test_a_server_that_is_away_is_unavailable(over_grpc: bool) -> None:
    """Nobody listens: told at once, with the settings to look at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        async with store_at(port, grpc_port=port if over_grpc else 0) as store:
            for _ in range(2):
                with pytest.raises(BackendUnavailable, match="Qdrant"):
                    await store.ping()
            with pytest.raises(BackendUnavailable):
                await (await store.open(generation())).versions("", 1)
            with pytest.raises(BackendUnavailable):
                await store.drop(generation())


@pytest.mark.parametrize("over_grpc", [False, True])
async def test_a_server_that_hangs_costs_its_deadline(over_grpc: bool) -> None:
    """It takes the connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        async with store_at(port, grpc_port=port if over_grpc else 0) as store:
            start = time.monotonic()
            with pytest.raises(DeadlineExceeded):
                await store.ping()
            with pytest.raises(DeadlineExceeded):
                await store.drop(generation())
            assert time.monotonic() - start < 10


async def test_a_server_that_is_too_old_is_refused() -> None:
    """It would leave out the condition that guards versions."""
    told = {"title": "qdrant", "version": "1.15.4", "commit": None}
    async with listening(answering("200 OK", told)) as port, store_at(port) as store:
        with pytest.raises(BackendUnavailable, match=r"1\.15\.4 is too old.*1\.16"):
            await (await store.open(generation())).versions("", 1)


@pytest.mark.parametrize(
    ("status", "content"),
    [
        ("500 Internal Server Error", {"status": {"error": "disk"}}),
        ("401 Unauthorized", "Invalid API key"),
        ("429 Too Many Requests", {"status": {"error": "slow down"}}),
        ("200 OK", ["no answer of Qdrant's"]),
        ("200 OK", None),
    ],
)
async def test_every_wrong_answer_is_unavailable(status: str, content: object) -> None:
    """Errors of the server, and answers that are none."""
    async with listening(answering(status, content)) as port, store_at(port) as store:
        with pytest.raises(BackendUnavailable):
            await store.ping()


async def test_an_answer_without_a_result_is_unavailable() -> None:
    """As something between that knows the form, but not the server, may give one."""
    nothing = {"status": "ok", "time": 0.0, "result": None}
    async with listening(answering("200 OK", nothing)) as port, store_at(port) as store:
        with pytest.raises(BackendUnavailable):
            await store.orphans([])


@pytest.mark.parametrize("url", ["qdrant:6333", "redis://127.0.0.1", "http://[::1", "http://h:x"])
def test_a_url_that_is_not_of_http_is_refused(url: str) -> None:
    """With the setting's name."""
    with pytest.raises(InvalidInput, match="WINNOW_QDRANT_URL"):
        connect(url, QdrantConfiguration())


async def test_the_key_is_sent_without_a_warning() -> None:
    """Over a private network too, where there is no TLS."""
    seen: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    async with listening(note) as port:
        client = connect(f"http://127.0.0.1:{port}", HURRIED, api_key="secret", grpc_port=0)
        store = QdrantStore(client, HURRIED)
        with pytest.raises(BackendUnavailable):
            await store.ping()
        await store.close()
    assert b"api-key: secret\r\n" in seen[0]

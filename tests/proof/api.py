"""An API process that only answers: nobody kills it, and it indexes nothing."""

import asyncio
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

import uvicorn

from cli.application import Runtime, create_app, open_key_ring
from indexer.service import Indexer
from search_api.mcp_tools import open_mcp
from search_api.service import SearchService
from services.assembly import open_services
from services.settings import Settings
from tests.proof.host import forking

START_S = 100.0


@contextmanager
def api(settings: Mapping[str, Any]) -> Iterator[str]:
    """Its address, for as long as the block runs."""
    context = forking()
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, dict(settings)), daemon=True)
    process.start()
    try:
        assert ours.poll(START_S), "The API did not start."
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def _serve(pipe: Connection, settings: Mapping[str, Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(_answer(pipe, settings))


async def _answer(pipe: Connection, settings: Mapping[str, Any]) -> None:
    async with open_services(Settings(_env_file=None, **settings)) as services:  # type: ignore[call-arg]
        search = SearchService(services)
        async with open_key_ring(services) as keys, open_mcp(services, search) as mcp:
            runtime = Runtime(services, Indexer(services), search, mcp, keys)
            listener = socket.create_server(("127.0.0.1", 0))
            pipe.send(listener.getsockname()[1])
            config = uvicorn.Config(create_app(runtime), lifespan="off", log_level="critical")
            await uvicorn.Server(config).serve(sockets=[listener])

"""A TCP proxy on a free port through which connections can be made to go wrong."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from enum import StrEnum
from types import TracebackType
from typing import Any

from tests.faults.protocols import Protocol

LATE_S = 0.5
_NO_LINGERING = struct.pack("ii", 1, 0)


class Way(StrEnum):
    """What becomes of what goes through.

    REFUSED: nobody listens. SILENT: connections stay open and nothing passes. RESET: every
    connection, old or new, is torn down. LATE: answers come half a second later. ERRORS:
    every second request is answered by an error, the server never asked.
    """

    CLEAR = "clear"
    REFUSED = "refused"
    SILENT = "silent"
    RESET = "reset"
    LATE = "late"
    ERRORS = "errors"


class Proxy:
    """Stands before one server, on an event loop in a thread of its own."""

    def __init__(self, port: int, protocol: Protocol, host: str = "127.0.0.1") -> None:
        """``host`` and ``port`` of the server, and how its requests look."""
        self._upstream = (host, port)
        self._protocol = protocol
        self._way = Way.CLEAR
        self._clear: asyncio.Event
        self._requests = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    def go(self, way: Way) -> None:
        """From now on; returns when it holds."""
        self._run(self._change(way))

    def __enter__(self) -> "Proxy":
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _listen(self) -> None:
        self._clear = asyncio.Event()
        self._clear.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _change(self, way: Way) -> None:
        self._way = way
        if way is Way.SILENT:
            self._clear.clear()
        else:
            self._clear.set()
        if way in (Way.REFUSED, Way.RESET):
            self._reset_all()
        if way is Way.REFUSED and self._server is not None:
            self._server.close()
            self._server = None
        elif way is not Way.REFUSED and self._server is None:
            await self._listen()

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        self._clear.set()
        self._reset_all()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # What is closing lets go of its socket in a later turn, for which the loop must live.
        await asyncio.sleep(0.1)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self._way is not Way.RESET:
                await self._relay(reader, writer)
        except (OSError, EOFError, ValueError, asyncio.CancelledError):
            pass  # one side left, or the proxy closes
        finally:
            self._writers.discard(writer)
            _reset(writer)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        source, target = await asyncio.open_connection(*self._upstream)
        answers = asyncio.create_task(self._answers(source, writer))
        try:
            await self._requests_of(reader, writer, target)
        finally:
            answers.cancel()
            await asyncio.gather(answers, return_exceptions=True)
            _reset(target)

    async def _requests_of(
        self,
        reader: asyncio.StreamReader,
        client: asyncio.StreamWriter,
        server: asyncio.StreamWriter,
    ) -> None:
        while True:
            request = await self._protocol.read(reader)
            await self._clear.wait()
            if self._way is Way.ERRORS and self._is_unlucky():
                client.write(self._protocol.refusal(request))
                await client.drain()
            else:
                server.write(request)
                await server.drain()

    async def _answers(self, source: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await source.read(2**16):
                await self._clear.wait()
                if self._way is Way.LATE:
                    self._loop.call_later(LATE_S, _write, client, chunk)
                else:
                    client.write(chunk)
        _reset(client)

    def _is_unlucky(self) -> bool:
        self._requests += 1
        return self._requests % 2 == 1

    def _reset_all(self) -> None:
        for writer in list(self._writers):
            _reset(writer)


def _write(client: asyncio.StreamWriter, chunk: bytes) -> None:
    if not client.is_closing():
        client.write(chunk)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Tear a connection down at once (RST), as a broken machine's would be."""
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is not None and not writer.is_closing():
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGERING)
    writer.transport.abort()

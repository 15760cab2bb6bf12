"""Callers of the search API that cost next to nothing themselves.

A client library that manages connections takes more of the processor than the server's
refusals do, and its waits would be measured as the server's.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Reply:
    """What one request came to, and how long its caller waited for the whole of it."""

    status: int
    content: Mapping[str, Any]
    seconds: float


class Caller:
    """One connection that is kept: ``async with Caller(url) as caller``."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._writer: asyncio.StreamWriter
        self._reader: asyncio.StreamReader

    async def __aenter__(self) -> Self:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave."""
        self._writer.close()
        await self._writer.wait_closed()

    async def search(self, collection: str, query: str) -> Reply:
        """Ask, and read the answer to its end."""
        body = json.dumps({"query": query}).encode()
        head = (
            f"POST /v1/collections/{collection}/search HTTP/1.1\r\n"
            f"Host: {self._host}:{self._port}\r\n"
            "Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        started_s = time.perf_counter()
        self._writer.write(head.encode() + body)
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        content = await self._reader.readexactly(int(fields["content-length"]))
        seconds = time.perf_counter() - started_s
        return Reply(int(lines[0].split()[1]), json.loads(content), seconds)

"""How requests look on the wire, as far as a proxy must know to refuse single ones."""

import asyncio
import re
from typing import Protocol as Port

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Protocol(Port):
    """One protocol's requests."""

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        """The next request, whole; EOFError where the connection ends."""

    def refusal(self, request: bytes) -> bytes:
        """What a server in trouble answers."""


class Http:
    """HTTP/1.1 with bodies of a declared length."""

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        """Head and body."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        return head + await reader.readexactly(int(length[1]) if length else 0)

    def refusal(self, request: bytes) -> bytes:
        """503, and the connection stays."""
        body = b'{"status": {"error": "injected"}, "error": {"reason": "injected"}}'
        if request.startswith(b"HEAD "):
            body = b""
        return (
            b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\n\r\n" % len(body)
        ) + body


class Resp:
    """Redis: what a client sends at one go, be it one command or a pipeline."""

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        """Commands, the last one whole."""
        commands = await reader.read(2**16)
        if not commands:
            raise EOFError
        while (missing := _missing(commands)) > 0:
            commands += await reader.read(missing)
            if reader.at_eof():
                raise EOFError
        return commands

    def refusal(self, request: bytes) -> bytes:
        """An error for each command."""
        return b"-ERR injected\r\n" * _count(request)


class Opaque:
    """Anything; single requests cannot be told apart, so none is refused."""

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        """Some bytes."""
        chunk = await reader.read(2**16)
        if not chunk:
            raise EOFError
        return chunk

    def refusal(self, request: bytes) -> bytes:
        """There is none."""
        raise ValueError("requests of this protocol cannot be refused one by one")


def _missing(commands: bytes) -> int:
    """How many bytes the last command lacks at least."""
    return _walk(commands)[1]


def _count(commands: bytes) -> int:
    return _walk(commands)[0]


def _walk(commands: bytes) -> tuple[int, int]:
    """Whole commands (arrays of bulk strings), and how many bytes the one after them lacks."""
    place = count = 0
    while place < len(commands):
        header = commands.find(b"\r\n", place)
        if header < 0:
            return count, 1
        parts, place = int(commands[place + 1 : header]), header + 2
        for _ in range(parts):
            header = commands.find(b"\r\n", place)
            if header < 0:
                return count, 1
            place = header + 2 + int(commands[place + 1 : header]) + 2
            if place > len(commands):
                return count, place - len(commands)
        count += 1
    return count, 0

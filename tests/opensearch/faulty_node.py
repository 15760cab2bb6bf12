"""A way to a real node on which single requests go wrong."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from aiohttp import web

Alter = Callable[[Any], None]
"""Changes an answer in place."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one request whose path ends as given.

    Attributes:
        status: answered with it, the node never asked.
        lost: the node does its work, and the connection closes without an answer.
        put_off: items of a bulk that the node never sees, answered 429 each.
        alter: changes the node's answer.
        hold: keeps the request from the node for as long as it is told to.
    """

    path: str
    status: int = 0
    lost: bool = False
    put_off: frozenset[int] = frozenset()
    alter: Alter | None = None
    hold: "Hold | None" = None


@dataclass(frozen=True, slots=True)
class Hold:
    """A request kept back, as if its sender had been stopped just before it was sent."""

    met: asyncio.Event = field(default_factory=asyncio.Event)
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class FaultyNode:
    """Stands before a node; the first fault that fits a request is used up by it."""

    upstream: str
    url: str = ""
    faults: list[Fault] = field(default_factory=list)
    bodies: list[tuple[str, bytes]] = field(default_factory=list)

    def sent(self, path: str) -> list[bytes]:
        """The bodies of requests whose path ends so."""
        return [body for asked, body in self.bodies if asked.endswith(path)]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Pass a request on, or let it go wrong."""
        body = await request.read()
        self.bodies.append((request.path, body))
        fault = next((held for held in self.faults if request.path.endswith(held.path)), None)
        if fault is None:
            return _response(*await self._forward(request, body))
        self.faults.remove(fault)
        if fault.hold is not None:
            fault.hold.met.set()
            await fault.hold.goes_on.wait()
        if fault.status:
            return web.json_response({"error": {"reason": "a fault"}}, status=fault.status)
        kept, held_back = _divided(body, fault.put_off)
        status, told = await self._forward(request, kept)
        if fault.lost:
            assert request.transport is not None
            request.transport.close()
        for place in sorted(held_back):
            told["items"].insert(place, {"index": {"status": 429, "error": {"reason": "busy"}}})
        if fault.alter is not None:
            fault.alter(told)
        return _response(status, told)

    async def _forward(self, request: web.Request, body: bytes) -> tuple[int, Any]:
        async with (
            aiohttp.ClientSession(auto_decompress=True) as session,
            session.request(
                request.method,
                f"{self.upstream}{request.raw_path}",
                data=body,
                headers={"content-type": "application/json"},
            ) as answer,
        ):
            return answer.status, orjson.loads(await answer.read() or b"{}")


@asynccontextmanager
async def faulty_node(upstream: str) -> AsyncIterator[FaultyNode]:
    """Listen on a free port in front of a node."""
    node = FaultyNode(upstream)
    application = web.Application(client_max_size=2**30)
    application.router.add_route("*", "/{path:.*}", node.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    node.url = f"http://{host}:{port}"
    yield node
    await runner.cleanup()


def _divided(body: bytes, put_off: frozenset[int]) -> tuple[bytes, frozenset[int]]:
    """A bulk body of index actions, two lines each, without the items held back."""
    if not put_off:
        return body, put_off
    lines = body.splitlines(keepends=True)
    items = [lines[start : start + 2] for start in range(0, len(lines), 2)]
    kept = [b"".join(item) for place, item in enumerate(items) if place not in put_off]
    return b"".join(kept), put_off


def _response(status: int, told: Any) -> web.Response:
    return web.json_response(told, status=status)

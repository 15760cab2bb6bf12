"""Taps on ports: every call goes by one, which may kill the process or plant a fault.

The services under test are the shipped ones; what stands between them and the ports is an
adapter that has every method of the port behind it.
"""

import inspect
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Protocol

from services.assembly import Services

Call = Callable[..., Awaitable[Any]]

# What changes something, by the port's place: fault points are before and after each.
WRITES = {
    "ledger.collections": ("create", "put_generation", "change_generation", "activate",
                           "forget_generation"),
    "ledger.documents": ("accept", "mark", "unmark", "supersede"),
    "ledger.leases": ("acquire", "release"),
    "ledger.audit": ("append",),
    "lexical": ("open", "drop"),
    "lexical.index": ("write",),
    "vectors": ("open", "drop"),
    "vectors.index": ("write",),
}  # fmt: skip
STEPS = ("accepted", "cut", "embedded", "lexical", "vectors", "marked")
POINTS = (
    *STEPS,
    *(
        f"{moment} {port}.{method}"
        for port, methods in WRITES.items()
        for method in methods
        for moment in ("before", "after")
    ),
)


class Tap(Protocol):
    """What happens to calls that go by."""

    async def __call__(self, point: str, call: Call, *arguments: Any, **named: Any) -> Any:
        """Make the call, or something else."""


class Tapped:
    """A port with a tap before it."""

    def __init__(self, port: Any, place: str, tap: Tap) -> None:
        self._port = port
        self._place = place
        self._tap = tap

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        place = f"{self._place}.{name}"
        if place in WRITES:
            return Tapped(found, place, self._tap)
        if not inspect.iscoroutinefunction(found):
            return found
        opens = name == "open" and f"{self._place}.index" in WRITES

        async def call(*arguments: Any, **named: Any) -> Any:
            result = await self._tap(place, found, *arguments, **named)
            return Tapped(result, f"{self._place}.index", self._tap) if opens else result

        return call


def tapped(services: Services, tap: Tap) -> Services:
    """The same services, a tap before each store."""
    stores = {name: Tapped(getattr(services, name), name, tap)
              for name in ("ledger", "lexical", "vectors")}  # fmt: skip
    return replace(services, **stores)  # type: ignore[arg-type]  # it has every method


class Killer:
    """Ends this process, or stops it, at a fault point once it was passed so many times."""

    def __init__(self, inner: Tap | None = None) -> None:
        self._inner = inner
        self._point = ""
        self._left = 0
        self._signal = signal.SIGKILL

    def arm(self, point: str, count: int, number: signal.Signals = signal.SIGKILL) -> None:
        """A signal at the ``count``-th pass of a point; "" disarms."""
        self._point, self._left, self._signal = point, count, number

    def step(self, name: str) -> None:
        """A point was passed: the pipeline's checkpoint."""
        self._left -= name == self._point
        if self._point and self._left <= 0:
            self._point = ""  # one that was stopped goes on
            os.kill(os.getpid(), self._signal)

    async def __call__(self, point: str, call: Call, *arguments: Any, **named: Any) -> Any:
        """Kill before or after the call, or neither."""
        self.step(f"before {point}")
        if self._inner is None:
            result = await call(*arguments, **named)
        else:
            result = await self._inner(point, call, *arguments, **named)
        self.step(f"after {point}")
        return result

"""The parts of the server stack, each with every way to break and mend it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from tests.faults.proxy import Proxy, Way


class Fault(StrEnum):
    """What befalls a part."""

    KILLED = "killed"
    STOPPED = "stopped"
    RESET = "reset"
    LATE = "late"
    ERRORS = "errors"


class Process(Protocol):
    """A server or worker of this machine."""

    def start(self) -> None:
        """Start it (again) and wait until it is ready."""

    def kill(self) -> None:
        """SIGKILL."""

    def hang(self) -> None:
        """SIGSTOP."""

    def resume(self) -> None:
        """SIGCONT."""


Act = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Part:
    """One part behind its proxy.

    Attributes:
        process: None where the server is somebody else's: its death and its silence are
            then the proxy's.
        refusal: how to have every second request answered by an error, and how to end it,
            where the proxy cannot tell requests apart.
    """

    proxy: Proxy
    process: Process | None = None
    refusal: tuple[Act, Act] | None = None
    _mending: list[Act] = field(default_factory=list)

    def break_by(self, fault: Fault) -> None:
        """From now on; returns when it holds."""
        act, mend = self._ways()[fault]
        act()
        self._mending.append(mend)

    def mend(self) -> None:
        """Undo every fault; returns when the part itself is ready."""
        while self._mending:
            self._mending.pop()()

    def _ways(self) -> Mapping[Fault, tuple[Act, Act]]:
        ways = {
            Fault.KILLED: self._through(Way.REFUSED),
            Fault.STOPPED: self._through(Way.SILENT),
            Fault.RESET: self._through(Way.RESET),
            Fault.LATE: self._through(Way.LATE),
            Fault.ERRORS: self._through(Way.ERRORS),
        }
        if self.process is not None:
            ways[Fault.KILLED] = (self.process.kill, self.process.start)
            ways[Fault.STOPPED] = (self.process.hang, self.process.resume)
        if self.refusal is not None:
            ways[Fault.ERRORS] = self.refusal
        return ways

    def _through(self, way: Way) -> tuple[Act, Act]:
        return (lambda: self.proxy.go(way)), (lambda: self.proxy.go(Way.CLEAR))

"""What can be wrong with a part, in one line each, with what to do about it."""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from services.errors import WinnowError

TIMEOUT_S = 5.0

SKEW_S = 2.0
"""Clocks that differ by more confuse people who compare logs; HTTP tells whole seconds only."""

_LITTLE_SHARE = 0.1
_LITTLE_BYTES = 2 * 2**30


class State(StrEnum):
    """How a part is."""

    WELL = "ok"
    WARNING = "warning"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line.

    Attributes:
        part: what was looked at.
        found: how it is.
        advice: what to do, "" where nothing is.
    """

    part: str
    state: State
    found: str
    advice: str = ""


Check = Callable[[], Awaitable[Sequence[Finding]]]


def well(part: str, found: str) -> Finding:
    """Nothing to do."""
    return Finding(part, State.WELL, found)


def warning(part: str, found: str, advice: str) -> Finding:
    """It works, and somebody should look."""
    return Finding(part, State.WARNING, found, advice)


async def checked(part: str, check: Check) -> Sequence[Finding]:
    """What a check finds; a part that does not answer is a finding too."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await check()
    except TimeoutError:
        detail = f"no answer within {TIMEOUT_S:g} s"
    except WinnowError as error:
        detail = error.detail
    return [Finding(part, State.UNREACHABLE, detail, f"Start the {part}, or mend its address.")]


def clock(part: str, told_s: float, asked_s: float) -> Finding:
    """How far a server's clock is from this machine's.

    Args:
        told_s: what the server said, seconds since the epoch.
        asked_s: when it was asked, by ``time.time()``; it was answered just now.
    """
    skew_s = told_s - (asked_s + time.time()) / 2
    found = f"{abs(skew_s):.1f} s {'ahead of' if skew_s > 0 else 'behind'} this machine"
    if abs(skew_s) <= SKEW_S:
        return well(f"{part} clock", "as this machine's")
    return warning(f"{part} clock", found, "Let both machines keep time by NTP.")


def disk(path: Path) -> Finding:
    """Room where the data directory is, or would be."""
    place = next(each for each in (path, *path.parents) if each.exists())
    usage = shutil.disk_usage(place)
    found = f"{usage.free / 2**30:.1f} GiB free of {usage.total / 2**30:.1f} at {place}"
    if usage.free < min(_LITTLE_BYTES, _LITTLE_SHARE * usage.total):
        return warning("disk", found, "Make room, or move WINNOW_DATA_DIR to a larger disk.")
    return well("disk", found)

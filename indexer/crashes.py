"""Telling a fault that one document causes from an outage and from a request to stop."""

import asyncio

from services.errors import BackendUnavailable, ModelUnavailable, Overloaded

_PASSING = (
    BackendUnavailable,
    ModelUnavailable,
    Overloaded,
    MemoryError,
    OSError,
    asyncio.CancelledError,
)


def is_fault(error: BaseException) -> bool:
    """Whether the work itself is to blame, so that doing it again would fail again.

    A panic of a library written in Rust is one, though it is no ``Exception``.
    """
    if isinstance(error, _PASSING):
        return False
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def sentence(what: str, error: BaseException) -> str:
    """The reason that a dead letter keeps."""
    return f"{what}: {type(error).__name__}: {str(error)[:500]}"

"""Turns what qdrant-client raises into the errors of Winnow."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from grpc import StatusCode
from grpc.aio import AioRpcError
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from services.breaker import Unreachable
from services.errors import BackendUnavailable, DeadlineExceeded

_REFUSED_STATUSES = (400, 413, 422)
_REFUSED_CODES = (StatusCode.INVALID_ARGUMENT, StatusCode.OUT_OF_RANGE)
_PUT_OFF_STATUSES = (502, 503, 504)


class Refused(BackendUnavailable):
    """Qdrant will not take this request, now or later; the writer finds out which part."""


class PutOff(BackendUnavailable):
    """Qdrant, or what stands before it, has no time for the request now."""


@contextmanager
def translated() -> Iterator[None]:
    """Raise Refused, DeadlineExceeded or BackendUnavailable in place of a vendor's error."""
    try:
        yield
    except TimeoutError as error:
        raise _late() from error
    except UnexpectedResponse as error:
        detail = error.content.decode("utf-8", "replace")[:500]
        if error.status_code in _REFUSED_STATUSES:
            raise Refused(f"Qdrant refused the request: {detail}") from error
        kind = PutOff if error.status_code in _PUT_OFF_STATUSES else BackendUnavailable
        raise _failed(f"HTTP {error.status_code}: {detail}", kind) from error
    except ResponseHandlingException as error:
        if isinstance(error.source, httpx.TimeoutException):
            raise _late() from error
        lost = isinstance(error.source, httpx.TransportError)
        kind = Unreachable if lost else BackendUnavailable
        raise _failed(str(error.source) or type(error.source).__name__, kind) from error
    except AioRpcError as error:
        raise _from_grpc(error) from error
    except ResourceExhaustedResponse as error:
        raise PutOff(
            "Qdrant has more to do than it takes.", retry_after_s=error.retry_after_s
        ) from error
    except (ValueError, AssertionError) as error:
        # Local mode's errors, and the client's of answers that cannot be read or hold nothing.
        raise _failed(str(error)[:500]) from error


def _from_grpc(error: AioRpcError) -> BackendUnavailable:
    detail = (error.details() or "")[:500]
    if error.code() is StatusCode.DEADLINE_EXCEEDED:
        return _late()
    if error.code() in _REFUSED_CODES:
        return Refused(f"Qdrant refused the request: {detail}")
    # Both a connection that cannot be had and one that broke.
    lost = error.code() is StatusCode.UNAVAILABLE
    return _failed(
        f"gRPC {error.code().name}: {detail}", Unreachable if lost else BackendUnavailable
    )


def _late() -> DeadlineExceeded:
    return DeadlineExceeded("Qdrant did not answer in time.")


def _failed(detail: str, kind: type[BackendUnavailable] = BackendUnavailable) -> BackendUnavailable:
    return kind(
        f"Qdrant does not answer as it should ({detail}). Check WINNOW_QDRANT_URL, "
        "WINNOW_QDRANT_GRPC_PORT, WINNOW_QDRANT_API_KEY and that the server runs."
    )

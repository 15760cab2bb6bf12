"""Servers that tell less than the truth: what a client believes which does not look closely."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, TypeVar

import grpc
from qdrant_client import grpc as wire

from tests.opensearch.faulty_node import Fault
from tests.servers.qdrant_wire import Trouble

Server = TypeVar("Server")


class Unfinished(Trouble):
    """Answers one batch of writes without having applied it.

    Attributes:
        status: what it says instead: ``Acknowledged``, which is the truth, or ``Completed``,
            which is what a client makes of that which does not look at the status.
    """

    def __init__(self, status: "wire.UpdateStatus.ValueType") -> None:
        super().__init__()
        self.status = status
        self._batches = 0

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any
    ) -> Any:
        """Answer the second batch itself."""
        if handler_call_details.method.endswith("/UpdateBatch"):
            self._batches += 1
            if self._batches == 2:
                handler = await continuation(handler_call_details)
                return grpc.unary_unary_rpc_method_handler(
                    self._answer,
                    request_deserializer=handler.request_deserializer,
                    response_serializer=handler.response_serializer,
                )
        return await continuation(handler_call_details)

    async def _answer(self, request: Any, _context: Any) -> Any:
        result = wire.UpdateResult(operation_id=0, status=self.status)
        return wire.UpdateBatchResponse(result=[result] * len(request.operations))


def hide_errors(told: Any) -> None:
    """Make of a bulk's answer what a client reads that looks at no item."""
    told["errors"] = False
    for item in told["items"]:
        for action in item.values():
            if action["status"] >= 300:
                action["status"] = 201
                action.pop("error", None)


def bulk_fault(*, hidden: bool) -> Fault:
    """A bulk whose first document is put off, with its error or without."""
    return Fault("/_bulk", put_off=frozenset({0}), alter=hide_errors if hidden else None)


@contextmanager
def in_background(server: AbstractAsyncContextManager[Server]) -> Iterator[Server]:
    """A server on an event loop of its own, in a thread, for as long as the block runs."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="winnow-lying")
    thread.start()

    def run(work: Coroutine[Any, Any, Any]) -> Any:
        done: Future[Any] = asyncio.run_coroutine_threadsafe(work, loop)
        return done.result(60)

    try:
        entered: Server = run(_entered(server))
        try:
            yield entered
        finally:
            run(_left(server))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _entered(server: AbstractAsyncContextManager[Server]) -> Server:
    return await server.__aenter__()


async def _left(server: AbstractAsyncContextManager[Server]) -> None:
    await server.__aexit__(None, None, None)

"""Threads that take what waits, and callers on an event loop who wait for their part."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from services.errors import BackendUnavailable
from services.ports.models import Encoded

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[Item]):
    """An item that waits to be encoded."""

    item: Item
    done: "Future[Encoded]" = field(default_factory=Future)

    @property
    def wanted(self) -> bool:
        """Whether somebody still waits for it; from now on it cannot be cancelled."""
        return self.done.set_running_or_notify_cancel()


class Lanes(Generic[Item]):
    """A queue with threads of its own.

    A caller that gives up (a cancelled task) costs nothing once its turn comes.
    """

    def __init__(
        self,
        name: str,
        encode: Callable[[Sequence[Item]], Sequence[Encoded]],
        *,
        threads: int = 1,
        most: int = 1,
    ) -> None:
        """Begin to wait.

        Args:
            encode: called in a thread with at most ``most`` items that wait together; its
                error is given to each of their callers.
        """
        self._encode = encode
        self._most = most
        self._queue: deque[_Waiting[Item]] = deque()
        self._change = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """How many items no thread has taken yet."""
        return len(self._queue)

    async def submit(self, item: Item) -> Encoded:
        """The item, encoded.

        Raises:
            BackendUnavailable: the lanes are closed.
        """
        waiting = _Waiting(item)
        with self._change:
            if self._closed:
                raise BackendUnavailable("The embedder is closed.")
            self._queue.append(waiting)
            self._change.notify()
        return await asyncio.wrap_future(waiting.done)

    async def close(self) -> None:
        """Finish what runs, refuse the rest, and end the threads."""
        with self._change:
            self._closed = True
            refused = list(self._queue)
            self._queue.clear()
            self._change.notify_all()
        for waiting in refused:
            if waiting.wanted:
                waiting.done.set_exception(BackendUnavailable("The embedder is closed."))
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _work(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._closed or self._queue)
                if self._closed:
                    return
                count = min(self._most, len(self._queue))
                taken = [self._queue.popleft() for _ in range(count)]
            wanted = [waiting for waiting in taken if waiting.wanted]
            if wanted:
                self._serve(wanted)

    def _serve(self, taken: Sequence[_Waiting[Item]]) -> None:
        try:
            encoded = self._encode([waiting.item for waiting in taken])
        except Exception as error:  # noqa: BLE001  # whoever awaits it shall see it
            for waiting in taken:
                waiting.done.set_exception(error)
            return
        for waiting, one in zip(taken, encoded, strict=True):
            waiting.done.set_result(one)

"""Who may work at the same time in one process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Lets so many work at once, or one alone. Thread-safe; nobody is overtaken for ever."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._free = threading.Semaphore(limit)
        # Whoever collects several places collects them undisturbed.
        self._door = threading.Lock()

    @contextmanager
    def turn(self, *, alone: bool) -> Iterator[None]:
        """Wait for a place, or with ``alone`` for all of them."""
        places = self._limit if alone else 1
        with self._door:
            for _ in range(places):
                self._free.acquire()
        try:
            yield
        finally:
            self._free.release(places)

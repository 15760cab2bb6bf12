"""Which generations the searches of this process run on."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from services.generations import Generation


@dataclass(slots=True)
class Usage:
    """Counts searches under way: a generation in use is not removed."""

    _running: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def on(self, generation: Generation) -> Iterator[None]:
        """Count a search for as long as the block runs."""
        self._running[generation.name] += 1
        try:
            yield
        finally:
            self._running[generation.name] -= 1
            if not self._running[generation.name]:
                del self._running[generation.name]

    def of(self, generation: Generation) -> int:
        """How many searches run on a generation."""
        return self._running[generation.name]

    @property
    def searches(self) -> int:
        """How many run at all."""
        return self._running.total()

"""What a caller may read."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rights:
    """The principals a caller acts for; None stands for everything.

    A document without principals is everybody's.
    """

    principals: frozenset[str] | None = None

    def may_read(self, principals: Iterable[str]) -> bool:
        """Whether a document with these principals may be shown."""
        if self.principals is None:
            return True
        required = tuple(principals)
        return not required or not self.principals.isdisjoint(required)

    def key(self) -> str:
        """Stands for these rights in a cache key."""
        return "*" if self.principals is None else "\x1f".join(sorted(self.principals))


EVERYTHING = Rights()

"""How often somebody may ask."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests a minute for each member of a group.

    Attributes:
        group: what is told apart, such as "address"; members of two groups never meet.
    """

    group: str
    per_minute: int


class RateLimiter(Protocol):
    """Counts requests, in one process or over several."""

    async def take(self, rate: Rate, member: str) -> float:
        """Count a request of a member of the rate's group.

        Returns:
            0.0 where it may go on, else seconds after which the next one may.
        """

    async def close(self) -> None:
        """Release what is held."""

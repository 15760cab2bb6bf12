"""What an operator may ask for."""

from dataclasses import dataclass, field, replace

from indexer.generations.planning import Changes
from services.errors import InvalidInput
from services.generations import Build, Speed


@dataclass(frozen=True, slots=True)
class Order:
    """A new generation.

    Attributes:
        activate: switch to it as soon as it is complete and passes its checks.
        force: build it also where the live one is built the same way.
    """

    changes: Changes = field(default_factory=Changes)
    activate: bool = False
    force: bool = False
    speed: Speed = field(default_factory=Speed)


@dataclass(frozen=True, slots=True)
class Asked:
    """A change of what is asked of a build; what is None stays as it is."""

    paused: bool | None = None
    activate: bool | None = None
    speed: Speed | None = None

    def of(self, build: Build) -> Build:
        """The build after it; going on after a pause also tries failed checks again."""
        return replace(
            build,
            paused=build.paused if self.paused is None else self.paused,
            activate=build.activate if self.activate is None else self.activate,
            speed=self.speed or build.speed,
            fault="" if self.paused is False else build.fault,
        )

    def __str__(self) -> str:
        """For the audit log."""
        wanted = {"paused": self.paused, "activate": self.activate, "speed": self.speed}
        return ", ".join(f"{name}={value}" for name, value in wanted.items() if value is not None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the new generation did beside the live one, on judged queries.

    Attributes:
        measure: what was measured, such as ``nDCG@10``, each from 0 to 1.
        max_drop: the most that may be lost.
    """

    measure: str
    live: float
    new: float
    max_drop: float

    def __str__(self) -> str:
        """For people and the audit log."""
        return f"{self.measure} {self.live:.4f} before, {self.new:.4f} after"

    @property
    def refusal(self) -> str:
        """Why the switch is refused, "" where it is not."""
        if self.live - self.new <= self.max_drop:
            return ""
        return (
            f"The switch was refused: {self}, and at most {self.max_drop:g} may be lost. "
            "Keep the live generation, or allow more with --max-drop."
        )

    def demand(self) -> None:
        """Raise InvalidInput where too much would be lost."""
        if self.refusal:
            raise InvalidInput(self.refusal)

"""A Winnow in a process, beside the model of what it should hold."""

from collections.abc import Mapping
from typing import Any

from tests.proof.expected import Expected
from tests.proof.host import Host, Killed, Refused

ALLOWED = {"AlreadyExists", "InvalidInput", "NotFound"}
"""What a lifecycle command may be refused with; anything else is a fault."""

GRACE_S = 3_600.0


class Attended:
    """Sends commands, starts the process anew when it dies, and knows what may be live then."""

    def __init__(self, settings: Mapping[str, Any], plant: str = "") -> None:
        self.host = Host(settings, plant)
        self.model = Expected()
        self.outages: list[str] = []  # refusals to be expected, once each; then tried again
        self.steps = 0
        self.kills = 0
        self._switching: set[str] = set()
        self._not_asked: set[str] = set()

    def begin(self, grace_s: float = GRACE_S) -> None:
        """Start on an empty store."""
        self.host.start(grace_s=grace_s)
        assert self.host("create") is None
        self._look()

    def close(self) -> None:
        """End the process."""
        self.host.kill()

    @property
    def begun(self) -> bool:
        """Whether there is a collection."""
        return bool(self.model.live)

    def _do(self, command: str, **arguments: Any) -> bool:
        """A command that must succeed unless the process dies; whether it lived."""
        self.steps += 1
        try:
            done = self.host(command, **arguments)
        except Killed:
            return False
        if isinstance(done, Refused) and done.kind in self.outages:
            self.outages.remove(done.kind)
            return self._do(command, **arguments)
        assert not isinstance(done, Refused), (command, done)
        return True

    def _command(
        self, command: str, may_go_live: set[str] | None = None, /, **arguments: Any
    ) -> Any:
        """A command that may be refused; None where the process died."""
        self.steps += 1
        try:
            done = self.host(command, **arguments)
        except Killed:
            self._switching |= may_go_live or set()
            self._recover(done=False)
            return None
        if isinstance(done, Refused):
            assert done.kind in ALLOWED, (command, done)
        return "done" if done is None else done

    def _search(self, **request: Any) -> Any:
        self.steps += 1
        try:
            answer = self.host("search", **request)
        except Killed:
            self._recover(done=False)
            return None
        assert not isinstance(answer, Refused), answer
        return answer

    def _recover(self, done: bool, grace_s: float | None = None) -> None:
        """After a death: start, and learn what became of what nobody answered to."""
        if done:
            return
        self.kills += 1
        self.host.kill()
        self.host.start(**({} if grace_s is None else {"grace_s": grace_s}))
        self.model.resolve(self.host("documents"))
        self._look(self._switching)

    def _generations(self) -> list[tuple[str, str, str]]:
        try:
            found: list[tuple[str, str, str]] = self.host("generations")
        except Killed:
            self._recover(done=False)
            found = self.host("generations")
        return found

    def _may_switch(self) -> set[str]:
        """Builds that were, or may have been, asked to go live by themselves."""
        unswitched = {
            key for key, state, _ in self._generations() if state in ("building", "ready")
        }
        return unswitched - self._not_asked

    def _look(
        self, may: frozenset[str] | set[str] = frozenset(), must: set[str] | None = None
    ) -> None:
        """Which generation is live by now: the one before, or one of ``may``; or of ``must``."""
        live = {key for key, state, _ in self.host("generations") if state == "live"}
        assert len(live) == 1, f"{len(live)} generations are live."
        legal = must or (self.model.live | may if self.model.live else live)
        assert live <= legal, f"{live} is live; only {legal} can be."
        self.model.live = live
        self._switching = set()

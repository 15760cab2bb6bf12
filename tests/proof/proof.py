"""Everything that may be done to a Winnow, done to the model too, and compared.

Each method is one step: Hypothesis chooses them, and so does a random walk.
"""

import time
from collections.abc import Mapping
from typing import Any

from tests.proof.expected import Expected
from tests.proof.host import Host, Killed, Refused

TOPICS = ("harbour", "orchard", "glacier", "railway", "lantern")
MODELS = ("hashing", "hashing-32", "hashing-64-7")
ALLOWED = {"AlreadyExists", "InvalidInput", "NotFound"}
"""What a lifecycle command may be refused with; anything else is a fault."""

GRACE_S = 3_600.0


def text_of(topic: str, edition: int, sentences: int) -> str:
    """A text that no other document has: every sentence of it names the edition."""
    return " ".join(
        f"The {topic} was described in edition{edition} as place number {number} ."
        for number in range(sentences)
    )


class Proof:
    """A Winnow in a process beside its model."""

    def __init__(self, settings: Mapping[str, Any], plant: str = "") -> None:
        self.host = Host(settings, plant)
        self.model = Expected()
        self.outages: list[str] = []  # refusals to be expected, once each; then tried again
        self.steps = 0
        self.kills = 0
        self._edition = 0
        self._damaged: set[str] = set()
        self._next: tuple[str, str, set[str]] | None = None
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

    @property
    def has_next(self) -> bool:
        """Whether a frozen list goes on."""
        return self._next is not None

    # Documents

    def put(self, ids: list[str], topic: str, sentences: int) -> None:
        """Write documents in one batch."""
        documents = {}
        for identifier in ids:
            self._edition += 1
            documents[identifier] = text_of(topic, self._edition, sentences)
        done = self._do("put", documents=documents)
        self.model.put(documents, certain=done)
        self._recover(done)

    def delete(self, ids: list[str]) -> None:
        """Delete documents, whether they are there or not."""
        done = self._do("delete", ids=ids)
        self.model.put(dict.fromkeys(ids), certain=done)
        self._recover(done)

    def drain(self) -> None:
        """Everything is indexed, and builds are completed."""
        self._switching |= self._may_switch()
        done = self._do("drain")
        if done:
            self._look(self._switching)
            self._settle()
        self._recover(done)

    # Searches

    def search_words(self, word: str) -> None:
        """By words alone, so that the answer is exactly known; twice, so that it is cached."""
        for _ in range(2):
            answer = self._search(query=word, mode="lexical", size=100)
            if answer is None:
                return
            self.model.check_words(word, answer)

    def search_meaning(self, identifier: str) -> None:
        """A settled document by its own text."""
        text = self.model.settled.get(identifier, "The harbour .")
        answer = self._search(query=text, mode="vector", size=100, explain=True, rerank="none")
        if answer is not None and text.count(".") == 1:
            self.model.check_meaning(text, answer)

    def search_both(self, topic: str) -> None:
        """Both legs; an answer with more pages, and one of them later."""
        answer = self._search(query=topic, size=2)
        if answer is None:
            return
        self.model.check_answer(answer)
        if answer["next"]:
            shown = {result["id"] for result in answer["results"]}
            self._next = answer["next"], answer["generation"], shown

    def next_page(self) -> None:
        """A frozen list goes on where it was, on the generation that it began with."""
        if self._next is None:
            return
        token, generation, shown = self._next
        self._next = None
        try:
            answer = self.host("search", next=token, size=100)
        except Killed:
            self._recover(done=False)
            return
        if isinstance(answer, Refused):
            assert answer.kind == "PageExpired", answer
            kept = {key for key, _, _ in self._generations()}
            assert generation not in kept, "A page expired while its generation was kept."
            return
        assert answer["generation"] == generation
        found = {result["id"] for result in answer["results"]}
        assert not found & shown, "A page repeats what an earlier one showed."
        live, self.model.live = self.model.live, {generation}
        self.model.check_answer(answer)
        self.model.live = live

    # Generations

    def reindex(self, model: str, chunk_tokens: int | None, *, activate: bool) -> None:
        """Begin a build; it grows with every :meth:`drain`."""
        done = self._command("reindex", model=model, chunk_tokens=chunk_tokens, activate=activate)
        if done is None:
            self._not_asked.clear()
            return
        if not isinstance(done, Refused):
            (self._not_asked.discard if activate else self._not_asked.add)(done)
        self._look()

    def activate(self) -> None:
        """Switch to the newest generation that is ready."""
        ready = [key for key, state, _ in self._generations() if state == "ready"]
        if not ready:
            return
        done = self._command("activate", {ready[-1]}, identifier=ready[-1])
        if done is not None and not isinstance(done, Refused):
            assert done == ready[-1]
            self._look({done}, {done})

    def rollback(self) -> None:
        """Switch back to what was live before."""
        retired = {key for key, state, _ in self._generations() if state == "retired"}
        done = self._command("rollback", retired)
        if done is not None and not isinstance(done, Refused):
            assert done in retired
            self._look({done}, {done})

    def cancel(self) -> None:
        """Give up a build."""
        for key, state, _ in self._generations():
            if state in ("building", "ready"):
                if self._command("cancel", identifier=key) is not None:
                    self._look()
                return

    def collect_garbage(self) -> None:
        """Never the live generation."""
        removed = self._command("gc")
        if removed is not None and not isinstance(removed, Refused):
            assert not set(removed) & self.model.live
            self._look()

    # Faults and repairs

    def damage(self, identifier: str, engine: str) -> None:
        """An engine loses a document that it should have."""
        if identifier not in self.model.settled:
            return
        if self._do("damage", identifier=identifier, engine=engine):
            self.model.unsettle([identifier])
            self._damaged.add(identifier)

    def forge(self, identifier: str, topic: str) -> None:
        """The ledger believes that a document is indexed, and no engine has it."""
        self._edition += 1
        text = text_of(topic, self._edition, 1)
        done = self._do("forge", identifier=identifier, text=text)
        self.model.put({identifier: text}, certain=done)
        self._damaged.add(identifier)
        self._recover(done)

    def reconcile(self) -> None:
        """Everything is repaired, and a second run finds nothing to do."""
        self._switching |= self._may_switch()
        for run in range(2):
            done = self._command("reconcile", self._switching)
            if done is None:
                return
            assert not isinstance(done, Refused), done
            assert done[1], "Reconciliation does not end clean."
            assert not run or not done[0], "A second reconciliation writes."
        self._look(self._switching)
        self._damaged.clear()

    def kill(self) -> None:
        """At once, between two commands."""
        self.host.kill()
        self._recover(done=False)

    def arm(self, point: str, count: int) -> None:
        """At a fault point, in the middle of whatever comes."""
        self._do("arm", point=point, count=count)

    def kill_during(self, after_s: float) -> None:
        """At a random moment of the indexing."""
        self._switching |= self._may_switch()
        self.host.send("drain")
        time.sleep(after_s)
        self.kill()

    def restart(self, grace_s: float) -> None:
        """Start anew with another grace period."""
        self.host.kill()
        self._recover(done=False, grace_s=grace_s)

    # The end

    def finish(self) -> None:
        """Everything is indexed and repaired; ledger, engines, model and searches agree."""
        self.arm("", 0)
        self.restart(GRACE_S)
        self.reconcile()
        self.drain()
        # A build that did not pass its checks waits for its operator, and gets no writes.
        waiting = {key for key, state, _ in self._generations() if state == "building"}
        for generation, discrepancies, pending in self.host("verify"):
            assert not discrepancies, f"{generation} has {discrepancies} discrepancies."
            assert not pending or generation in waiting, f"{generation} lacks {pending} documents."
        ledger = self.host("documents")
        self.model.resolve(ledger)
        assert ledger.keys() == self.model.settled.keys()
        for generation, (lexical, vectors) in self.host("held").items():
            if generation not in waiting:
                assert lexical == vectors, f"The engines of {generation} differ."
                assert {each.document_id for each in lexical} == ledger.keys()
        for topic in TOPICS:
            self.search_words(topic)
        for identifier in self.model.settled:
            self.search_meaning(identifier)

    # How it is done

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
        self._next = None
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

    def _settle(self) -> None:
        self.model.resolve(self.host("documents"))
        self.model.settle()
        self.model.unsettle(self._damaged)

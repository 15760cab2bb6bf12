"""Everything that may be done to a Winnow, done to the model too, and compared.

Each method is one step: Hypothesis chooses them, and so does a random walk.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.proof.attended import GRACE_S, Attended
from tests.proof.host import Killed, Refused

TOPICS = ("harbour", "orchard", "glacier", "railway", "lantern")
MODELS = ("hashing", "hashing-32", "hashing-64-7")


def text_of(topic: str, edition: int, sentences: int) -> str:
    """A text that no other document has: every sentence of it names the edition."""
    return " ".join(
        f"The {topic} was described in edition{edition} as place number {number} ."
        for number in range(sentences)
    )


@dataclass(frozen=True, slots=True)
class Page:
    """What a frozen list has shown, and the life of the process that it is frozen in."""

    token: str
    generation: str
    shown: frozenset[str]
    life: int


class Proof(Attended):
    """Every step leaves the model where it should, and says so where it does not."""

    def __init__(self, settings: Mapping[str, Any], plant: str = "") -> None:
        super().__init__(settings, plant)
        self._edition = 0
        self._damaged: set[str] = set()
        self._page: Page | None = None

    @property
    def has_next(self) -> bool:
        """Whether a frozen list goes on."""
        return self._page is not None and self._page.life == self.kills

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
            shown = frozenset(result["id"] for result in answer["results"])
            self._page = Page(answer["next"], answer["generation"], shown, self.kills)

    def next_page(self) -> None:
        """A frozen list goes on where it was, on the generation that it began with."""
        page, going_on = self._page, self.has_next
        self._page = None
        if page is None or not going_on:
            return
        try:
            answer = self.host("search", next=page.token, size=100)
        except Killed:
            self._recover(done=False)
            return
        if isinstance(answer, Refused):
            assert answer.kind == "PageExpired", answer
            kept = {key for key, _, _ in self._generations()}
            assert page.generation not in kept, "A page expired while its generation was kept."
            return
        assert answer["generation"] == page.generation
        found = {result["id"] for result in answer["results"]}
        assert not found & page.shown, "A page repeats what an earlier one showed."
        live, self.model.live = self.model.live, {page.generation}
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

    def _settle(self) -> None:
        self.model.resolve(self.host("documents"))
        self.model.settle()
        self.model.unsettle(self._damaged)

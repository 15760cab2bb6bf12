"""The state machine: Hypothesis chooses the steps, and shortens what goes wrong."""

from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.proof.attended import GRACE_S
from tests.proof.proof import MODELS, TOPICS, Proof
from tests.proof.taps import POINTS

IDS = tuple(f"document-{number}" for number in range(8))

ids = st.lists(st.sampled_from(IDS), min_size=1, max_size=5, unique=True)
topics = st.sampled_from(TOPICS)


class Machine(RuleBasedStateMachine):
    """One Winnow from its first document to its end."""

    counted: ClassVar[dict[str, int]] = {"steps": 0, "kills": 0}

    def __init__(self) -> None:
        super().__init__()
        self.proof = self.make()

    def make(self) -> Proof:
        """A Winnow on an empty store of its own."""
        raise NotImplementedError

    def discard(self) -> None:
        """Remove what the store left."""

    @initialize()
    def begin(self) -> None:
        """Start."""
        self.proof.begin()

    @rule(ids=ids, topic=topics, sentences=st.sampled_from((1, 1, 2, 6)))
    def put(self, ids: list[str], topic: str, sentences: int) -> None:
        """Documents are written."""
        self.proof.put(ids, topic, sentences)

    @rule(ids=ids)
    def delete(self, ids: list[str]) -> None:
        """Documents are deleted."""
        self.proof.delete(ids)

    @rule()
    def drain(self) -> None:
        """Everything is indexed."""
        self.proof.drain()

    @rule(topic=topics)
    def search_words(self, topic: str) -> None:
        """By words."""
        self.proof.search_words(topic)

    @rule(identifier=st.sampled_from(IDS))
    def search_meaning(self, identifier: str) -> None:
        """By meaning."""
        self.proof.search_meaning(identifier)

    @rule(topic=topics)
    def search_both(self, topic: str) -> None:
        """Both, the first page."""
        self.proof.search_both(topic)

    @precondition(lambda self: self.proof.has_next)
    @rule()
    def next_page(self) -> None:
        """The second."""
        self.proof.next_page()

    @rule(
        model=st.sampled_from(MODELS),
        chunk_tokens=st.sampled_from((None, 8, 24)),
        activate=st.booleans(),
    )
    def reindex(self, model: str, chunk_tokens: int | None, activate: bool) -> None:
        """A build begins."""
        self.proof.reindex(model, chunk_tokens, activate=activate)

    @rule()
    def activate(self) -> None:
        """A switch."""
        self.proof.activate()

    @rule()
    def rollback(self) -> None:
        """A switch back."""
        self.proof.rollback()

    @rule()
    def cancel(self) -> None:
        """A build is given up."""
        self.proof.cancel()

    @rule()
    def collect_garbage(self) -> None:
        """What is past its grace period goes."""
        self.proof.collect_garbage()

    @rule(identifier=st.sampled_from(IDS), engine=st.sampled_from(("lexical", "vectors")))
    def damage(self, identifier: str, engine: str) -> None:
        """An engine loses a document."""
        self.proof.damage(identifier, engine)

    @rule(identifier=st.sampled_from(IDS), topic=topics)
    def forge(self, identifier: str, topic: str) -> None:
        """The ledger believes what is not so."""
        self.proof.forge(identifier, topic)

    @rule()
    def reconcile(self) -> None:
        """Repairs."""
        self.proof.reconcile()

    @rule()
    def kill(self) -> None:
        """SIGKILL between two commands."""
        self.proof.kill()

    @rule(point=st.sampled_from(POINTS), count=st.integers(1, 4))
    def arm(self, point: str, count: int) -> None:
        """SIGKILL at a named point, in whatever comes."""
        self.proof.arm(point, count)

    @rule(after_ms=st.integers(0, 40))
    def kill_during(self, after_ms: int) -> None:
        """SIGKILL at some moment of the indexing."""
        self.proof.kill_during(after_ms / 1_000)

    @rule(grace_s=st.sampled_from((0.0, GRACE_S)))
    def restart(self, grace_s: float) -> None:
        """Another grace period."""
        self.proof.restart(grace_s)

    def teardown(self) -> None:
        """Everything must agree in the end."""
        try:
            if self.proof.begun:
                self.proof.finish()
        finally:
            self.counted["steps"] += self.proof.steps
            self.counted["kills"] += self.proof.kills
            self.proof.close()
            self.discard()


def embedded(folder: Any) -> dict[str, Any]:
    """Settings of an embedded stack that waits for a busy machine."""
    return {
        "data_dir": folder,
        "bi_encoder": "hashing",
        "cross_encoder": "",
        "hub": False,
        "deadline_ms": 60_000,
        "budget_ms": 60_000,
    }

"""Processes that write, build and switch, and die while an API answers."""

import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.proof.attended import ALLOWED
from tests.proof.expected import Expected
from tests.proof.host import COLLECTION, Host, Killed, Refused
from tests.proof.proof import TOPICS, text_of

ANCHORS = tuple(f"anchor-{number}" for number in range(6))
"""Documents that nobody changes: every answer must hold them."""

WORD = "anchorage"

BUILDS = {"hashing": None, "hashing-64-7": 8}
"""Two models of one shape, each with chunks of its own length, None for whole documents."""

PATIENCE_S = 15.0
"""A fault point that is not passed within so long is given up, and the process killed."""


@dataclass
class Asking:
    """Asks one question after the other over HTTP, and keeps what was wrong."""

    url: str
    models: dict[str, str] = field(default_factory=dict)
    answers: int = 0
    generations: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Until :meth:`end`."""
        with httpx.Client(base_url=self.url, timeout=120) as client:
            while not self._ended.is_set() and not self.faults:
                for question in (
                    {"query": f"{WORD} {self.answers}", "size": 50},
                    {"query": WORD, "size": 50, "mode": "lexical"},
                    {"query": anchor_text(0), "size": 50, "mode": "vector", "explain": True},
                ):
                    try:
                        self._ask(client, question)
                    except (httpx.HTTPError, AssertionError) as error:
                        self.faults.append(f"{question}: {type(error).__name__} {error}")

    def end(self) -> None:
        """Finish the question under way."""
        self._ended.set()

    def _ask(self, client: httpx.Client, question: Mapping[str, Any]) -> None:
        response = client.post(f"/v1/collections/{COLLECTION}/search", json=question)
        assert response.status_code == 200, f"{response.status_code} {response.text[:300]}"
        answer = response.json()
        self.answers += 1
        self.generations.add(answer["generation"])
        assert answer["results"], "The answer is empty."
        found = {result["id"] for result in answer["results"]}
        assert set(ANCHORS) <= found, f"{set(ANCHORS) - found} lack in the answer."
        self._check_one_generation(answer)

    def _check_one_generation(self, answer: Mapping[str, Any]) -> None:
        """Its passages are cut, and its vectors made, as those of the generation it names."""
        model = self.models[answer["generation"]]
        used = answer["models"].get("bi_encoder", {"name": model})["name"]
        assert used == model, f"{used} answered for {answer['generation']} of {model}."
        whole = BUILDS[model] is None
        for result in answer["results"]:
            if result["id"] in ANCHORS:
                words = [len(passage["text"].split()) for passage in result["passages"]]
                assert words, f"{result['id']} is shown without a passage."
                assert all((count > 8) is whole for count in words), (
                    f"Passages of {words} words in an answer of {answer['generation']}."
                )
        if answer["mode"] == "vector" and whole:
            score = answer["results"][0]["explain"]["vector"]["score"]
            assert score > 0.99, f"Cosine {score} with its own text: vectors of two encoders met."


def anchor_text(number: int) -> str:
    """Twelve words: two chunks or more of eight tokens, or one."""
    return f"The {WORD} number {number} lies open to the northern wind in winter"


class Writer:
    """Writes and deletes without a pause, and dies now and then."""

    def __init__(self, settings: Mapping[str, Any], seed: int) -> None:
        self.model = Expected()
        self.writes = self.kills = 0
        self._host = Host(settings)
        self._chance = random.Random(seed)  # noqa: S311  # nothing is secret here
        self._ended = threading.Event()
        self.faults: list[str] = []

    def run(self) -> None:
        """Until :meth:`end`."""
        try:
            self._host.start()
            while not self._ended.is_set():
                self._write()
        except AssertionError as error:
            self.faults.append(str(error))
        finally:
            self._host.kill()

    def end(self) -> None:
        """Finish the write under way."""
        self._ended.set()

    def _write(self) -> None:
        chance = self._chance
        ids = [f"written-{chance.randrange(12)}"]
        self.writes += 1
        try:
            if chance.random() < 0.1:
                points = ("accepted", "before ledger.documents.accept",
                          "after ledger.documents.accept")  # fmt: skip
                self._host("arm", point=chance.choice(points), count=1)
            if chance.random() < 0.3:
                documents: dict[str, str | None] = dict.fromkeys(ids)
                done = self._host("delete", ids=ids)
            else:
                text = text_of(chance.choice(TOPICS), self.writes, chance.choice((1, 3)))
                documents = dict.fromkeys(ids, text)
                done = self._host("put", documents=documents)
        except Killed:
            self.model.put(documents, certain=False)
            self.kills += 1
            self._host.kill()
            self._host.start()
            self.model.resolve(self._own(self._host("documents")))
            return
        assert not isinstance(done, Refused), done
        self.model.put(documents)
        time.sleep(0.02)

    def _own(self, ledger: Any) -> dict[str, str]:
        assert not isinstance(ledger, Refused), ledger
        return {key: text for key, text in ledger.items() if key not in ANCHORS}

    def check(self, ledger: Mapping[str, str]) -> None:
        """What was acknowledged is there; what was deleted is not."""
        self.model.resolve(self._own(ledger))


class Builder:
    """Indexes and builds in the background, and dies at one fault point after the other."""

    def __init__(self, settings: Mapping[str, Any], points: list[str]) -> None:
        self._host = Host(settings)
        self._points = points
        self._since_s = 0.0
        self.died: list[str] = []
        self.missed: list[str] = []
        self._point = ""

    @property
    def done(self) -> bool:
        """Whether every point had its turn."""
        return not self._points and not self._point

    def tend(self) -> None:
        """Start it again where it died; kill it where it does not come by its point."""
        if self._host.alive:
            if time.monotonic() - self._since_s < PATIENCE_S or not self._point:
                return
            self.missed.append(self._point)
        elif self._point:
            self.died.append(self._point)
        self._host.kill()
        self._host.start()
        self._host("run")
        self._point = self._points.pop(0) if self._points else ""
        if self._point:
            self._host("arm", point=self._point, count=1)
        self._since_s = time.monotonic()

    def close(self) -> None:
        """The last death."""
        self._host.kill()


class Operator:
    """Changes the model, there and back, for as long as it is asked to."""

    def __init__(self, settings: Mapping[str, Any], asking: Asking) -> None:
        self._host = Host(settings)
        self._asking = asking
        self.switches = 0
        self._live = ""

    def open(self) -> None:
        """A collection with what nobody will change."""
        self._host.start()
        anchors = {key: anchor_text(number) for number, key in enumerate(ANCHORS)}
        for done in (
            self._host("create"),
            self._host("put", documents=anchors),
            self._host("drain"),
        ):
            assert done is None, done
        self._learn()

    def close(self) -> None:
        """End its process."""
        self._host.kill()

    def tend(self) -> None:
        """Begin a build of the other model where none is under way."""
        kept = self._learn()
        if any(state in ("building", "ready") for _, state, _ in kept):
            return
        live = next(model for _, state, model in kept if state == "live")
        other = next(model for model in BUILDS if model != live)
        done = self._host("reindex", model=other, chunk_tokens=BUILDS[other], activate=True)
        assert not isinstance(done, Refused) or done.kind in ALLOWED, done
        self._learn()

    def _learn(self) -> list[tuple[str, str, str]]:
        """Tell whoever asks which model a generation is of, before it can be live."""
        found = self._host("generations")
        assert not isinstance(found, Refused), found
        kept: list[tuple[str, str, str]] = found
        for identifier, state, model in kept:
            self._asking.models[identifier] = model
            if state == "live" and identifier != self._live:
                self.switches += bool(self._live)
                self._live = identifier
        return kept


@contextmanager
def threads(*work: Any) -> Iterator[None]:
    """Each runs beside the block, and ends with it."""
    running = [threading.Thread(target=each.run, daemon=True) for each in work]
    for thread in running:
        thread.start()
    try:
        yield
    finally:
        for each in work:
            each.end()
        for thread in running:
            thread.join(120)

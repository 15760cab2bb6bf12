"""The model: a plain dictionary of documents, and what an answer may and must say.

A write whose process died before it answered may have happened or not. Such a document has
several legal texts until the ledger is read again; then it has the one that was read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Text = str | None
"""A document's text, None where it is deleted or never was."""


@dataclass(slots=True)
class Expected:
    """What was done so far, as far as it is known.

    Attributes:
        documents: legal texts by id.
        settled: texts that the live generation was brought up to, by id: while they are the
            document's, every search for them must find them.
        live: ids of the generations that may be live.
        unsettled: ids that were written to since everything was indexed.
    """

    documents: dict[str, set[Text]] = field(default_factory=dict)
    settled: dict[str, str] = field(default_factory=dict)
    live: set[str] = field(default_factory=set)
    unsettled: set[str] = field(default_factory=set)

    def put(self, documents: Mapping[str, Text], *, certain: bool = True) -> None:
        """Documents were written, or may have been."""
        for identifier, text in documents.items():
            before = self.documents.get(identifier, {None})
            self.documents[identifier] = {text} if certain else before | {text}
            self.unsettle([identifier])

    def unsettle(self, ids: Iterable[str]) -> None:
        """They need not be found until everything is indexed again."""
        for identifier in ids:
            self.settled.pop(identifier, None)
            self.unsettled.add(identifier)

    def settle(self) -> None:
        """Everything is indexed: what is known to stand must be found."""
        self.unsettled.clear()
        self.settled = {
            identifier: text
            for identifier, texts in self.documents.items()
            if len(texts) == 1 and (text := next(iter(texts))) is not None
        }

    def resolve(self, ledger: Mapping[str, str]) -> None:
        """The ledger was read: each document has one of its legal texts, and no other is there."""
        for identifier, texts in self.documents.items():
            text = ledger.get(identifier)
            assert text in texts, (
                f"{identifier} is {text!r} in the ledger; it can only be one of {texts}: "
                "an acknowledged write is lost, or a deleted document is back."
            )
            self.documents[identifier] = {text}
        assert ledger.keys() <= self.documents.keys(), "The ledger holds what nobody wrote."

    def words_of(self, word: str) -> tuple[set[str], set[str]]:
        """Ids that an answer to a word must hold, and those that it may hold."""
        must = {key for key, text in self.settled.items() if word in text.split()}
        may = {
            key
            for key, texts in self.documents.items()
            if any(text is not None and word in text.split() for text in texts)
        }
        return must, may

    def check_answer(self, answer: Mapping[str, Any]) -> None:
        """What holds for every answer: of one live generation, and no word of it is invented."""
        assert answer["generation"] in self.live, (
            f"An answer of {answer['generation']} while {self.live} is live."
        )
        assert not answer["degraded"], answer["degraded"]
        ids = [result["id"] for result in answer["results"]]
        assert len(ids) == len(set(ids)), "A document is in the answer twice."
        for result in answer["results"]:
            texts = self.documents.get(result["id"], {None})
            for passage in result["passages"]:
                shown, start, end = passage["text"], passage["start"], passage["end"]
                assert any(text is not None and text[start:end] == shown for text in texts), (
                    f"{result['id']} is shown with {shown!r}; its text is one of {texts}."
                )
            assert texts != {None}, f"{result['id']} is deleted and was found."

    def check_words(self, word: str, answer: Mapping[str, Any]) -> None:
        """An answer to one word, by words alone and longer than all documents."""
        self.check_answer(answer)
        found = {result["id"] for result in answer["results"]}
        must, may = self.words_of(word)
        assert must <= found, f"{must - found} lack in the answer to {word!r}."
        assert found <= may, f"{found - may} were found for {word!r} and do not hold it."
        # Counts come from the text index, which lags behind writes that nobody has waited for.
        if must == may and not self.unsettled:
            counted = {"value": len(may), "relation": "eq"}
            assert answer["total"] == counted, f"{word!r} is counted as {answer['total']}."

    def check_meaning(self, text: str, answer: Mapping[str, Any]) -> None:
        """An answer by vectors alone to a whole text: who has it is near it.

        Chunks of 8 tokens hold most of a sentence, at a cosine of .8 or more; vectors of two
        encoders have one about 0.
        """
        self.check_answer(answer)
        must = {key for key, known in self.settled.items() if known == text}
        scores = {
            result["id"]: result["explain"]["vector"]["score"] for result in answer["results"]
        }
        for identifier in must:
            assert identifier in scores, f"{identifier} is not found by its own text {text!r}."
            assert scores[identifier] > 0.7, (
                f"{identifier} is {scores[identifier]:.3f} from its own text: "
                "its vector is another encoder's."
            )

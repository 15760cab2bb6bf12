"""Models: sync compute ports, and the async seams that put them to work."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.generations import EncoderFingerprint
from services.ports.vectors import TokenVectors, Vectors


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Which model it is and how it runs.

    Attributes:
        languages: ISO 639-1 codes it knows; empty means every language.
        max_tokens: longest input in its own tokens, special tokens included.
        runtime: "openvino" or "torch"; precision "fp32", "bf16" or "fp16".
        prior_scale: of a cross-encoder that corrects the order before it: a search orders
            by so many times that order's logit plus the model's; None: by the model's alone.
        asked_only: of a cross-encoder that is no better than late interaction: where that
            orders, it runs only for searches that ask for a cross-encoder by name.
    """

    name: str
    revision: str
    runtime: str
    device: str
    precision: str
    max_tokens: int
    languages: frozenset[str] = frozenset()
    prior_scale: float | None = None
    asked_only: bool = False

    def knows(self, language: str) -> bool:
        """Whether it can read a language; one that could not be told ("und") gets a try."""
        return not self.languages or language in self.languages or language == "und"


@dataclass(frozen=True, slots=True)
class Passage:
    """What an encoder or reranker reads of a chunk."""

    text: str
    title: str = ""
    heading_path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Encoded:
    """Vectors of several texts, in their order.

    Attributes:
        vectors: float32 [texts, dimensions].
        tokens: for each text float16 [tokens, token_dimensions] without special tokens,
            or None where the encoder keeps none.
        offsets: for each text int32 [tokens, 2], where each token stands in the text that
            was given (code points), or None with ``tokens``.
    """

    vectors: Vectors
    tokens: Sequence[TokenVectors] | None = None
    offsets: Sequence[NDArray[np.int32]] | None = None


class TokenCounter(Protocol):
    """Cuts text into a model's own tokens."""

    def spans(self, text: str) -> NDArray[np.int32]:
        """Each token's start and end in code points, int32 [tokens, 2].

        Special tokens are left out, nothing is truncated.
        """

    def count(self, text: str) -> int:
        """How many tokens the text has, special tokens left out, nothing truncated."""


@dataclass(frozen=True, slots=True)
class Passes:
    """How a bi-encoder is best given passages.

    Attributes:
        at_once: passes that it runs at once without any of them taking longer for it.
        tokens: padded tokens of a pass; one more would make none of them cheaper.
    """

    at_once: int
    tokens: int


class BiEncoder(Protocol):
    """Texts to vectors. Thread-safe."""

    @property
    def card(self) -> ModelCard:
        """Which model it is."""

    @property
    def fingerprint(self) -> EncoderFingerprint:
        """What vectors must share to be compared with its own."""

    @property
    def counter(self) -> TokenCounter:
        """Its own tokens."""

    @property
    def passes(self) -> Passes:
        """How passages are best given to it."""

    def encode_queries(self, queries: Sequence[str]) -> Encoded:
        """Vectors of queries; longer ones are cut at ``card.max_tokens``."""

    def encode_passages(self, passages: Sequence[Passage]) -> Encoded:
        """Vectors of passages (title, heading path and text as one input)."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Cross-encoder logits float32 [passages] and how many inputs had to be cut."""

    logits: NDArray[np.float32]
    truncated: NDArray[np.bool_]


class CrossEncoder(Protocol):
    """Scores pairs of a query and a passage, one model pass each. Thread-safe."""

    @property
    def card(self) -> ModelCard:
        """Which model it is."""

    def count_tokens(self, pairs: Sequence[tuple[str, Passage]]) -> NDArray[np.int32]:
        """Input length of each pair in tokens, cut at ``card.max_tokens``."""

    def score(self, pairs: Sequence[tuple[str, Passage]]) -> Scores:
        """Logits of one batch of pairs."""


@dataclass(frozen=True, slots=True)
class RerankRequest:
    """Passages to be scored against a query, most promising first.

    Attributes:
        deadline_s: a point of ``time.monotonic()`` after which nobody reads the answer.
    """

    query: str
    passages: Sequence[Passage]
    deadline_s: float


@dataclass(frozen=True, slots=True)
class RerankResult:
    """What was scored in time.

    Attributes:
        scores: a float32 logit for each passage, None where the deadline came first.
        truncated: whether the passage was cut to fit the model.
        model: who scored, with device and precision.
        worker: the process that scored: "host:pid".
        compute_ms: model time, the cutting into tokens included; queue_ms: waiting for it.
    """

    scores: Sequence[float | None]
    truncated: Sequence[bool]
    model: ModelCard
    worker: str
    compute_ms: float
    queue_ms: float


class Reranker(Protocol):
    """The asynchronous seam to cross-encoders, in process or on workers."""

    @property
    def card(self) -> ModelCard:
        """Which model scores."""

    def affordable(self, budget_s: float, tokens: Sequence[int] | None = None) -> int:
        """How many passages the budget pays for at the speed and load measured of late."""

    async def rerank(self, request: RerankRequest) -> RerankResult:
        """Score until the deadline; returns by then with what it has.

        Raises BackendUnavailable where nobody took the request, Overloaded where the
        queue is full.
        """

    async def ping(self) -> None:
        """Raise BackendUnavailable where no worker answers."""

    async def close(self) -> None:
        """Release what is held."""


class Embedder(Protocol):
    """The asynchronous seam to the bi-encoder: bounded threads, queries before passages."""

    @property
    def encoder(self) -> BiEncoder:
        """The model behind it."""

    async def embed_query(self, query: str) -> Encoded:
        """The vector of one query, [1, dimensions]; cached."""

    async def embed_passages(self, passages: Sequence[Passage]) -> Encoded:
        """The vectors of passages, in batches by token budget."""

    async def close(self) -> None:
        """Release what is held."""

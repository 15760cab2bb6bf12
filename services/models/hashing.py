"""Bi-encoders without weights: hashed words.

``hashing`` has 64 dimensions, ``hashing-32`` 32, and ``hashing-64-7`` the 64 of another seed:
models of the same shape whose vectors mean nothing to each other.

For tests, smoke runs and machines without any model. It knows which words a text holds
and nothing about what they mean; two texts are near each other when they share words.
Feature hashing: Weinberger et al. 2009 (arXiv 0902.2206).
"""

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from services.errors import ModelUnavailable
from services.generations import EncoderFingerprint
from services.models.inputs import passage_head
from services.ports.models import Encoded, ModelCard, Passage, Passes
from services.ports.vectors import TokenVectors, Vectors

HASHING = "hashing"
DIMENSIONS = 64
MAX_TOKENS = 256

_NAME = re.compile(r"hashing(?:-([1-9][0-9]{0,3}))?(?:-([0-9]{1,9}))?")
_WORD = re.compile(r"\w+|[^\w\s]")


def is_hashing(name: str) -> bool:
    """Whether a model's name is one of these."""
    return _NAME.fullmatch(name) is not None


class WordCounter:
    """Words and single punctuation marks as tokens. Implements TokenCounter."""

    def spans(self, text: str) -> NDArray[np.int32]:
        """int32 [tokens, 2]: start and end of each word in code points."""
        spans = [match.span() for match in _WORD.finditer(text)]
        return np.array(spans, np.int32).reshape(-1, 2)

    def count(self, text: str) -> int:
        """How many words the text has."""
        return sum(1 for _ in _WORD.finditer(text))


class HashingBiEncoder:
    """Sums of hashed word vectors: deterministic, instant."""

    def __init__(
        self,
        name: str = HASHING,
        *,
        token_dimensions: int = 0,
        languages: frozenset[str] = frozenset(),
    ) -> None:
        """With ``token_dimensions`` above 0 it also gives each word's own vector.

        Raises:
            ModelUnavailable: the name is not ``hashing[-DIMENSIONS[-SEED]]``.
        """
        chosen = _NAME.fullmatch(name)
        if chosen is None:
            raise ModelUnavailable(
                f"{name!r} is no hashing model: name one like hashing, hashing-32 or hashing-64-7."
            )
        self._seed = chosen[2] or ""
        self.card = ModelCard(
            name=name,
            revision="1",
            runtime="numpy",
            device="cpu",
            precision="fp32",
            max_tokens=MAX_TOKENS,
            languages=languages,
        )
        self.fingerprint = EncoderFingerprint(
            model=name,
            revision="1",
            dimensions=int(chosen[1] or DIMENSIONS),
            pooling="mean",
            normalised=True,
            token_dimensions=token_dimensions,
        )
        self.counter = WordCounter()
        self.passes = Passes(at_once=1, tokens=4_096)

    def encode_queries(self, queries: Sequence[str]) -> Encoded:
        """Vectors of queries; longer ones are cut at ``card.max_tokens``."""
        return self._encode([("", query) for query in queries])

    def encode_passages(self, passages: Sequence[Passage]) -> Encoded:
        """Vectors of passages (title, heading path and text as one input)."""
        return self._encode(
            [
                (
                    passage_head(passage.title, passage.heading_path, self.counter, MAX_TOKENS),
                    passage.text,
                )
                for passage in passages
            ]
        )

    def _encode(self, texts: Sequence[tuple[str, str]]) -> Encoded:
        size, seed = self.fingerprint.token_dimensions, self._seed
        dimensions = self.fingerprint.dimensions
        vectors = np.zeros((len(texts), dimensions), np.float32)
        tokens, offsets = [], []
        for row, (head, text) in enumerate(texts):
            spans = np.concatenate([self.counter.spans(head) * 0, self.counter.spans(text)])
            words = _words(head) + _words(text)
            vectors[row] = _sum(words[:MAX_TOKENS], dimensions, seed)
            if size:
                tokens.append(_each(words[:MAX_TOKENS], size, seed))
                offsets.append(spans[:MAX_TOKENS].astype(np.int32))
        return Encoded(vectors, tokens, offsets) if size else Encoded(vectors)


def _words(text: str) -> list[str]:
    return [match.group().casefold() for match in _WORD.finditer(text)]


def _sum(words: Sequence[str], dimensions: int, seed: str) -> Vectors:
    """A unit vector; that of no words is the first axis, since zero has no direction."""
    known = [_vector(seed + word, dimensions) for word in words if word[0].isalnum()]
    total: Vectors = np.sum(known, axis=0) if known else np.eye(dimensions, dtype=np.float32)[0]
    unit: Vectors = (total / max(float(np.linalg.norm(total)), 1e-12)).astype(np.float32)
    return unit


def _each(words: Sequence[str], size: int, seed: str) -> TokenVectors:
    if not words:
        return np.zeros((0, size), np.float16)
    vectors: TokenVectors = np.array([_vector(seed + word, size) for word in words], np.float16)
    return vectors


@lru_cache(maxsize=65_536)
def _vector(word: str, size: int) -> Vectors:
    """A unit vector that the word alone decides."""
    digest = hashlib.shake_128(word.encode("utf-8", "surrogatepass")).digest(size)
    values = np.frombuffer(digest, np.uint8).astype(np.float32) - 127.5
    unit: Vectors = (values / np.linalg.norm(values)).astype(np.float32)
    return unit

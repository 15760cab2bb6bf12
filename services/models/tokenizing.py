"""A model's own tokens: counting, cutting and joining into model inputs.

The tokenizer file's truncation and padding are switched off (the one published with
all-MiniLM-L6-v2 cuts at 128); inputs are cut here, at what the model reads.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from services.errors import ModelUnavailable
from services.models.folder import read_object

Ids = NDArray[np.int32]
Offsets = NDArray[np.int32]

_CACHED_TEXTS = 8_192
_CACHED_COUNTS = 1_024
_MAX_CHARACTERS_PER_TOKEN = 64
_ALWAYS_READ_CHARACTERS = 16_384


@dataclass(frozen=True, slots=True)
class Template:
    """The special tokens around one text, or around the two texts of a pair.

    Attributes:
        prefix, middle, suffix: ids before, between and after the texts.
        second_type: the segment type of the second text and of the suffix.
    """

    prefix: Ids
    middle: Ids
    suffix: Ids
    second_type: int

    @property
    def overhead(self) -> int:
        """How many special tokens it adds."""
        return len(self.prefix) + len(self.middle) + len(self.suffix)


@dataclass(frozen=True, slots=True)
class PairLengths:
    """How many tokens each side of a pair keeps, and whether any was cut."""

    first: int
    second: int
    cut: bool


class ModelTokenizer:
    """A tokenizer.json without its truncation and padding. Thread-safe.

    Implements TokenCounter. Ids of texts are remembered, since a reranker counts the same
    passages that it then scores, and meets them again with the next query; counts, since a
    chunk is counted when it is cut and again when its place in a pass is planned.
    """

    def __init__(self, folder: Path) -> None:
        file = folder / "tokenizer.json"
        try:
            self._tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:  # tokenizers raises bare Exception
            raise ModelUnavailable(
                f"The model in {folder.name} has no readable tokenizer.json ({error}): "
                "fetch the model again, or save it with a fast tokenizer."
            ) from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        names = read_object(folder / "tokenizer_config.json").get("model_input_names")
        self._with_types = not names or "token_type_ids" in names
        self._known: OrderedDict[str, Ids] = OrderedDict()
        self._lock = Lock()
        self._counted = lru_cache(_CACHED_COUNTS)(self._count)
        self.single = self._template(pair=False)
        self.pair = self._template(pair=True)
        self.padding_id = self._padding_id()

    def spans(self, text: str) -> Offsets:
        """int32 [tokens, 2]: start and end of each token in code points."""
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        return np.array(offsets, np.int32).reshape(-1, 2)

    def count(self, text: str) -> int:
        """How many tokens the text has, special tokens left out, nothing truncated."""
        return self._counted(text) if len(text) <= _ALWAYS_READ_CHARACTERS else self._count(text)

    def _count(self, text: str) -> int:
        return len(self._tokenizer.encode_batch_fast([text], add_special_tokens=False)[0])

    def ids(self, texts: Sequence[str], max_tokens: int, *, remember: bool = True) -> list[Ids]:
        """Ids of each text without special tokens.

        Args:
            max_tokens: what the caller can use at most; of a text of more than 16,384
                characters, or 64 for each of them, only the beginning is read.
            remember: whether the same texts are likely to come again.
        """
        limit = _readable_characters(max_tokens)
        texts = [text[:limit] for text in texts]
        with self._lock:
            known = {text: self._known[text] for text in texts if text in self._known}
        fresh = list(dict.fromkeys(text for text in texts if text not in known))
        encodings = self._tokenizer.encode_batch_fast(fresh, add_special_tokens=False)
        found = {
            text: np.array(encoding.ids, np.int32)
            for text, encoding in zip(fresh, encodings, strict=True)
        }
        known |= found
        if remember:
            self._remember(found)
        return [known[text] for text in texts]

    def ids_and_offsets(
        self, texts: Sequence[str], max_tokens: int
    ) -> tuple[list[Ids], list[Offsets]]:
        """As :meth:`ids`, with where each token stands in its text (code points)."""
        limit = _readable_characters(max_tokens)
        encodings = self._tokenizer.encode_batch(
            [text[:limit] for text in texts], add_special_tokens=False
        )
        ids = [np.array(encoding.ids, np.int32) for encoding in encodings]
        offsets = [np.array(encoding.offsets, np.int32).reshape(-1, 2) for encoding in encodings]
        return ids, offsets

    def _remember(self, found: dict[str, Ids]) -> None:
        with self._lock:
            self._known.update(found)
            while len(self._known) > _CACHED_TEXTS:
                self._known.popitem(last=False)

    def _template(self, *, pair: bool) -> Template:
        """Read off the special tokens by encoding a letter, or two."""
        encoding = self._tokenizer.encode("a", "b") if pair else self._tokenizer.encode("a")
        ids = np.array(encoding.ids, np.int32)
        runs = [i for i, owner in enumerate(encoding.sequence_ids) if owner == 0]
        others = [i for i, owner in enumerate(encoding.sequence_ids) if owner == 1]
        if not runs or (pair and not others):
            raise ModelUnavailable(
                "The model's tokenizer.json does not say how two texts become one input: "
                "fetch the model again, or use one with a fast tokenizer."
            )
        end = others[-1] + 1 if pair else runs[-1] + 1
        middle = ids[runs[-1] + 1 : others[0]] if pair else ids[:0]
        second_type = int(encoding.type_ids[others[0]]) if pair and self._with_types else 0
        return Template(ids[: runs[0]], middle, ids[end:], second_type)

    def _padding_id(self) -> int:
        for token in ("[PAD]", "<pad>"):
            found = self._tokenizer.token_to_id(token)
            if found is not None:
                return int(found)
        return 0


def _readable_characters(max_tokens: int) -> int:
    return max(_ALWAYS_READ_CHARACTERS, max_tokens * _MAX_CHARACTERS_PER_TOKEN)


def pair_lengths(first: int, second: int, room: int) -> PairLengths:
    """Cut the longer side first, as the tokenizers library does ("longest first").

    Args:
        first, second: tokens of both sides.
        room: tokens that both may keep together.
    """
    if first + second <= room:
        return PairLengths(first, second, cut=False)
    shorter, longer = min(first, second), max(first, second)
    if shorter > room - shorter:
        shorter = room // 2
    longer = room - shorter
    kept = (shorter, longer) if first <= second else (longer, shorter)
    return PairLengths(*kept, cut=True)


def pad(rows: Sequence[Ids], filler: int) -> NDArray[np.int32]:
    """Rows of different lengths as one int32 array [rows, longest], filled up on the right."""
    longest = max((len(row) for row in rows), default=0)
    padded = np.full((len(rows), longest), filler, np.int32)
    for index, row in enumerate(rows):
        padded[index, : len(row)] = row
    return padded

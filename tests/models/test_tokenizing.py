"""Counting, cutting and joining tokens."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Encoding, Tokenizer

from services.errors import ModelUnavailable
from services.models.finding import find_model
from services.models.inputs import head_tokens, passage_head, passage_input
from services.models.tokenizing import ModelTokenizer, pad, pair_lengths
from services.ports.models import Passage
from tests.models.conftest import TEXTS, MakeSettings

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
TEXT = st.text(max_size=200)


@pytest.fixture(scope="module")
def tokenizer(make_settings: MakeSettings) -> ModelTokenizer:
    """The tokenizer of the offline bi-encoder."""
    return ModelTokenizer(find_model(MINILM, make_settings()).path)


@pytest.fixture(scope="module")
def vendor(make_settings: MakeSettings) -> Tokenizer:
    """The same file in the vendor's hands."""
    file = find_model(MINILM, make_settings()).path / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_padding()
    return tokenizer


def test_nothing_is_truncated_when_counting(tokenizer: ModelTokenizer) -> None:
    """The file's own limit of 128 tokens is switched off."""
    assert tokenizer.count("word " * 1_000) == 1_000
    assert len(tokenizer.spans("word " * 1_000)) == 1_000


@given(text=TEXT)
@settings(max_examples=100, deadline=None)
def test_spans_are_code_points(tokenizer: ModelTokenizer, text: str) -> None:
    """Spans lie in the text, in order, and are as many as the count says."""
    spans = tokenizer.spans(text)
    assert len(spans) == tokenizer.count(text)
    assert (spans[:, 0] <= spans[:, 1]).all()
    assert (spans >= 0).all()
    assert (spans <= len(text)).all()


def test_spans_stand_on_words(tokenizer: ModelTokenizer) -> None:
    """Characters beyond the basic plane count as one."""
    text = "🎣 fish, Ünder 魚"
    assert [text[start:end] for start, end in tokenizer.spans(text)] == [
        "🎣",
        "fish",
        ",",
        "Ünder",
        "魚",
    ]


def test_templates_are_read_off_the_file(tokenizer: ModelTokenizer) -> None:
    """BERT has three special tokens in a pair, and the second text is of type 1."""
    assert tokenizer.single.overhead == 2
    assert tokenizer.pair.overhead == 3
    assert tokenizer.pair.second_type == 1


@given(first=st.integers(0, 90), second=st.integers(0, 90), room=st.integers(2, 80))
@settings(max_examples=200, deadline=None)
def test_pairs_are_cut_as_the_vendor_cuts(
    vendor: Tokenizer, first: int, second: int, room: int
) -> None:
    """Longest first, down to the same token."""
    vendor.enable_truncation(room + 3, strategy="longest_first")
    encoding: Encoding = vendor.encode("word " * first, "word " * second)
    kept = pair_lengths(first, second, room)
    assert (kept.first, kept.second) == (
        encoding.sequence_ids.count(0),
        encoding.sequence_ids.count(1),
    )
    assert kept.cut == (first + second > room)


def test_ids_do_not_depend_on_what_was_asked_before(tokenizer: ModelTokenizer) -> None:
    """Remembered and fresh ids are the same."""
    once = tokenizer.ids([*TEXTS, "new"], 256)
    again = tokenizer.ids(["new", *TEXTS], 256, remember=False)
    for left, right in zip([once[-1], *once[:-1]], again, strict=True):
        np.testing.assert_array_equal(left, right)


def test_padding_stands_on_the_right() -> None:
    """Shorter rows are filled up."""
    rows = [np.array([1, 2], np.int32), np.array([3], np.int32)]
    np.testing.assert_array_equal(pad(rows, 9), [[1, 2], [3, 9]])


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    """The message says what to do."""
    with pytest.raises(ModelUnavailable, match="fetch the model again"):
        ModelTokenizer(tmp_path)


def test_title_and_headings_stand_before_the_text(tokenizer: ModelTokenizer) -> None:
    """Each on its own line; a heading that repeats the title is named once."""
    passage = Passage("Body.", "Guide", ("Guide", "Set  up"))
    assert passage_input(passage, tokenizer) == "Guide\nSet up\nBody."
    assert passage_input(Passage("Body."), tokenizer) == "Body."


@given(
    text=st.text(max_size=300),
    title=st.text(max_size=400),
    headings=st.lists(st.text(max_size=200), max_size=4),
    max_tokens=st.sampled_from([64, 256, 512]),
)
@settings(max_examples=100, deadline=None)
def test_an_input_is_no_longer_than_its_parts(
    tokenizer: ModelTokenizer, text: str, title: str, headings: list[str], max_tokens: int
) -> None:
    """What the chunker subtracts is enough, and at most a quarter of the input."""
    head = head_tokens(title, tuple(headings), tokenizer, max_tokens)
    whole = passage_input(Passage(text, title, tuple(headings)), tokenizer, max_tokens)
    assert whole.endswith(text)
    assert tokenizer.count(whole) <= head + tokenizer.count(text)
    assert head <= max_tokens // 4


def test_a_giant_title_is_cut(tokenizer: ModelTokenizer) -> None:
    """The beginning of a title and the end of a heading path are kept."""
    head = passage_head("title " * 9_000, ("outer " * 9_000, "inner"), tokenizer)
    assert head.startswith("title title")
    assert head.endswith("> inner\n")
    assert tokenizer.count(head) <= 48

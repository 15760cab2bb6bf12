"""What every bi-encoder and every cross-encoder must do, whatever runs it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from services.models.finding import find_model
from services.models.hashing import HashingBiEncoder
from services.models.loading import load_bi_encoder
from services.models.openvino_models import load_openvino_bi_encoder, load_openvino_cross_encoder
from services.models.overlap import OverlapCrossEncoder
from services.models.torch_device import cuda_device, torch_precision
from services.ports.models import BiEncoder, CrossEncoder, Passage
from tests.models.conftest import TEXTS, MakeModel, MakeSettings

TOKEN_DIMENSIONS = 8
# On a GPU too, where there is one.
TORCH_DEVICES = ["cpu", *filter(None, [cuda_device()])]
LONG = " ".join(TEXTS * 20)
PASSAGES = [
    Passage(TEXTS[0], "A title", ("One", "Two")),
    Passage(TEXTS[3]),
    Passage(""),
    Passage(LONG, "Long"),
]


def _with_projection(folder: Path) -> Path:
    """A small model's folder with a projection of its own."""
    matrix = np.random.default_rng(3).normal(size=(48, TOKEN_DIMENSIONS))
    np.save(folder / "token_projection.npy", matrix.astype(np.float16))
    return folder


@pytest.fixture(scope="module", params=["openvino", *TORCH_DEVICES, "hashing"])
def bi_encoder(
    request: pytest.FixtureRequest, make_model: MakeModel, make_settings: MakeSettings
) -> BiEncoder:
    """The same contract for each runtime, with token vectors."""
    if request.param == "hashing":
        return HashingBiEncoder(token_dimensions=TOKEN_DIMENSIONS)
    folder = _with_projection(make_model("Bert", task="Model"))
    settings = make_settings(bi_encoder=str(folder), token_dimensions=TOKEN_DIMENSIONS)
    if request.param == "openvino":
        return load_openvino_bi_encoder(find_model(str(folder), settings), settings)
    from services.models.torch_bi_encoder import load_torch_bi_encoder

    return load_torch_bi_encoder(find_model(str(folder), settings), settings, request.param)


@pytest.fixture(scope="module", params=["openvino", *TORCH_DEVICES, "overlap"])
def cross_encoder(
    request: pytest.FixtureRequest, make_model: MakeModel, make_settings: MakeSettings
) -> CrossEncoder:
    """The same contract for each runtime."""
    if request.param == "overlap":
        return OverlapCrossEncoder()
    folder = make_model("Roberta")
    settings = make_settings(cross_encoder=str(folder))
    if request.param == "openvino":
        return load_openvino_cross_encoder(find_model(str(folder), settings), settings)
    from services.models.torch_cross_encoder import load_torch_cross_encoder

    return load_torch_cross_encoder(find_model(str(folder), settings), settings, request.param)


class TestBiEncoder:
    """Texts to vectors."""

    def test_shapes(self, bi_encoder: BiEncoder) -> None:
        """One finite float32 vector a text, of the fingerprint's dimensions."""
        encoded = bi_encoder.encode_passages(PASSAGES)
        assert encoded.vectors.shape == (len(PASSAGES), bi_encoder.fingerprint.dimensions)
        assert encoded.vectors.dtype == np.float32
        assert np.isfinite(encoded.vectors).all()

    def test_nothing_gives_nothing(self, bi_encoder: BiEncoder) -> None:
        """No texts, no vectors, no error."""
        assert bi_encoder.encode_queries([]).vectors.shape == (0, bi_encoder.fingerprint.dimensions)

    def test_order_and_company_do_not_matter(self, bi_encoder: BiEncoder) -> None:
        """A text has the same vector alone, in a batch, and in another order."""
        together = bi_encoder.encode_queries(TEXTS).vectors
        backwards = bi_encoder.encode_queries(TEXTS[::-1]).vectors[::-1]
        alone = np.concatenate([bi_encoder.encode_queries([text]).vectors for text in TEXTS])
        np.testing.assert_allclose(together, backwards, atol=1e-4)
        np.testing.assert_allclose(together, alone, atol=1e-4)

    def test_token_vectors(self, bi_encoder: BiEncoder) -> None:
        """One normalised float16 vector a token, without special tokens, with its offsets."""
        encoded = bi_encoder.encode_passages(PASSAGES)
        assert encoded.tokens is not None
        assert encoded.offsets is not None
        for passage, tokens, offsets in zip(PASSAGES, encoded.tokens, encoded.offsets, strict=True):
            assert tokens.dtype == np.float16
            assert tokens.shape == (len(offsets), TOKEN_DIMENSIONS)
            np.testing.assert_allclose(np.linalg.norm(tokens, axis=1), 1, atol=5e-3)
            assert (offsets >= 0).all()
            assert (offsets <= len(passage.text)).all()

    def test_offsets_stand_on_the_text(self, bi_encoder: BiEncoder) -> None:
        """Tokens of the title stand at [0, 0), those of the text where the counter says."""
        passage = PASSAGES[0]
        offsets = bi_encoder.encode_passages([passage]).offsets
        assert offsets is not None
        spans = bi_encoder.counter.spans(passage.text)
        np.testing.assert_array_equal(offsets[0][-len(spans) :], spans)
        assert not offsets[0][: -len(spans)].any()
        assert len(offsets[0]) > len(spans)

    def test_long_texts_are_cut(self, bi_encoder: BiEncoder) -> None:
        """What the model does not read changes nothing."""
        vectors = bi_encoder.encode_queries([LONG, LONG + " and more"]).vectors
        np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-5)

    def test_it_is_thread_safe(self, bi_encoder: BiEncoder) -> None:
        """Several threads get what one gets."""
        expected = bi_encoder.encode_queries(TEXTS).vectors
        with ThreadPoolExecutor(4) as pool:
            for encoded in pool.map(bi_encoder.encode_queries, [TEXTS] * 8):
                np.testing.assert_allclose(encoded.vectors, expected, atol=1e-5)


class TestCrossEncoder:
    """Pairs to logits."""

    def test_shapes(self, cross_encoder: CrossEncoder) -> None:
        """One finite float32 logit a pair, and which were cut."""
        scores = cross_encoder.score([("when do tides turn", passage) for passage in PASSAGES])
        assert scores.logits.shape == scores.truncated.shape == (len(PASSAGES),)
        assert scores.logits.dtype == np.float32
        assert np.isfinite(scores.logits).all()
        assert scores.truncated.tolist() == [False, False, False, True]

    def test_order_and_company_do_not_matter(self, cross_encoder: CrossEncoder) -> None:
        """A pair has the same logit alone and in a batch."""
        pairs = [("reading the passage", passage) for passage in PASSAGES]
        together = cross_encoder.score(pairs).logits
        alone = [float(cross_encoder.score([pair]).logits[0]) for pair in pairs]
        np.testing.assert_allclose(together, alone, atol=1e-3)

    def test_counts(self, cross_encoder: CrossEncoder) -> None:
        """More words are more tokens, up to what the model reads."""
        counts = cross_encoder.count_tokens([("tides", passage) for passage in PASSAGES])
        assert counts[2] < counts[1] < counts[3] == cross_encoder.card.max_tokens

    def test_it_is_thread_safe(self, cross_encoder: CrossEncoder) -> None:
        """Several threads get what one gets."""
        pairs = [("reading the passage", passage) for passage in PASSAGES]
        expected = cross_encoder.score(pairs).logits
        with ThreadPoolExecutor(4) as pool:
            for scores in pool.map(cross_encoder.score, [pairs] * 8):
                np.testing.assert_allclose(scores.logits, expected, atol=1e-4)


@pytest.mark.parametrize("device", TORCH_DEVICES)
def test_half_precision_gives_scores_in_float32(
    device: str, make_model: MakeModel, make_settings: MakeSettings
) -> None:
    """Near those of the whole precision; the card names what was computed in."""
    from services.models.torch_cross_encoder import load_torch_cross_encoder

    folder = make_model("Bert")
    pairs = [("when do tides turn", passage) for passage in PASSAGES]
    scores = {}
    for precision in ("fp32", "bf16"):
        settings = make_settings(cross_encoder=str(folder), precision=precision)
        model = load_torch_cross_encoder(find_model(str(folder), settings), settings, device)
        assert (model.card.precision, model.card.device) == (precision, device)
        scores[precision] = model.score(pairs).logits
        assert scores[precision].dtype == np.float32
    spread = np.ptp(scores["fp32"])
    np.testing.assert_allclose(scores["bf16"], scores["fp32"], atol=max(0.05, 0.05 * spread))


def test_a_gpu_computes_in_half_precision_unless_told() -> None:
    """bf16 where it has it, else fp16; a CPU in fp32."""
    import torch

    assert torch_precision("auto", "cuda") in (("bf16", torch.bfloat16), ("fp16", torch.float16))
    assert torch_precision("fp32", "cuda") == ("fp32", torch.float32)
    assert torch_precision("auto", "cpu") == ("fp32", torch.float32)


def test_runtimes_agree(make_model: MakeModel, make_settings: MakeSettings) -> None:
    """Token vectors too are the same in OpenVINO and in torch."""
    from services.models.torch_bi_encoder import load_torch_bi_encoder

    folder = _with_projection(make_model("XLMRoberta", task="Model", hidden_size=48))
    settings = make_settings(bi_encoder=str(folder), token_dimensions=TOKEN_DIMENSIONS)
    ours = load_bi_encoder(settings).encode_passages(PASSAGES)
    theirs = load_torch_bi_encoder(find_model(str(folder), settings), settings, "cpu")
    expected = theirs.encode_passages(PASSAGES)
    assert ours.tokens is not None
    assert expected.tokens is not None
    for left, right in zip(ours.tokens, expected.tokens, strict=True):
        np.testing.assert_allclose(left, right, atol=4e-3)


def test_a_pass_without_token_vectors_has_none(
    make_model: MakeModel, make_settings: MakeSettings
) -> None:
    """Not asked for, they are not computed, and the fingerprint says so."""
    encoder = load_bi_encoder(make_settings(bi_encoder=str(make_model("Bert", task="Model"))))
    assert encoder.encode_passages(PASSAGES).tokens is None
    assert encoder.fingerprint.token_dimensions == 0


def test_bf16_is_near(make_settings: MakeSettings) -> None:
    """Vectors of both precisions may meet in one index; the card names the precision."""
    rough = load_bi_encoder(make_settings(precision="bf16"))
    exact = load_bi_encoder(make_settings(precision="fp32"))
    cosines = (rough.encode_queries(TEXTS).vectors * exact.encode_queries(TEXTS).vectors).sum(1)
    assert cosines.min() > 0.999
    assert (rough.card.precision, exact.card.precision) == ("bf16", "fp32")
    assert rough.fingerprint == exact.fingerprint

"""The graphs that Winnow builds give what sentence-transformers gives, in fp32."""

from pathlib import Path

import numpy as np
import pytest

from services.models.finding import find_model
from services.models.loading import load_bi_encoder, load_cross_encoder
from services.ports.models import Passage
from tests.models.conftest import TEXTS, MakeModel, MakeSettings

pytestmark = pytest.mark.slow

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
LONG = " ".join(TEXTS * 4)


def _cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    products = (left * right).sum(1)
    return products / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)


def test_the_offline_bi_encoder_agrees(make_settings: MakeSettings) -> None:
    """all-MiniLM-L6-v2: the same directions and lengths, for short, long and odd texts."""
    from sentence_transformers import SentenceTransformer

    texts = [*TEXTS, LONG, "", "one", " \n\t "]
    settings = make_settings()
    encoder = load_bi_encoder(settings)
    ours = encoder.encode_queries(texts).vectors
    theirs = SentenceTransformer(str(find_model(MINILM, settings).path), device="cpu").encode(texts)
    assert _cosines(ours, theirs).min() >= 0.9999
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
@pytest.mark.parametrize("family", ["Bert", "Roberta", "XLMRoberta"])
def test_small_bi_encoders_agree(
    family: str, pooling: str, make_model: MakeModel, make_settings: MakeSettings, tmp_path: Path
) -> None:
    """Each family with each pooling, without normalisation."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer

    transformer = Transformer(str(make_model(family, task="Model")))
    modules = [transformer, Pooling(transformer.get_embedding_dimension(), pooling)]
    model = SentenceTransformer(modules=modules, device="cpu")
    model.save(str(tmp_path))
    encoder = load_bi_encoder(make_settings(bi_encoder=str(tmp_path)))
    texts = [*TEXTS, LONG]
    np.testing.assert_allclose(
        encoder.encode_queries(texts).vectors, model.encode(texts), atol=2e-4
    )
    assert encoder.fingerprint.pooling == pooling
    assert not encoder.fingerprint.normalised


@pytest.mark.parametrize("family", ["Bert", "Roberta", "XLMRoberta"])
def test_small_cross_encoders_agree(
    family: str, make_model: MakeModel, make_settings: MakeSettings
) -> None:
    """The logits of pairs, of which some must be cut on one side or on both."""
    import torch
    from sentence_transformers import CrossEncoder

    folder = make_model(family)
    pairs = [(query, text) for query in ("when do tides turn", "", LONG) for text in [*TEXTS, LONG]]
    theirs = CrossEncoder(str(folder), device="cpu", activation_fn=torch.nn.Identity())
    expected = theirs.predict(pairs)
    ours = load_cross_encoder(make_settings(cross_encoder=str(folder)))
    scores = ours.score([(query, Passage(text)) for query, text in pairs])
    np.testing.assert_allclose(scores.logits, expected, atol=1e-3)
    assert np.ptp(expected) > 0.1
    assert scores.truncated.any()
    assert not scores.truncated.all()

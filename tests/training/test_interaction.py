"""An interaction cross-encoder begins as its bi-encoder, in torch and in OpenVINO alike."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from services.models.folder import ModelFolder
from services.models.loading import load_bi_encoder, load_cross_encoder
from services.ports.models import Passage
from tests.models.conftest import TEXTS, MakeSettings

pytestmark = pytest.mark.slow

QUERIES = ("when do tides turn", "path of a file object", "numbers 3.14159 and 42")
PAIRS = [(query, text) for query in QUERIES for text in TEXTS[:5]]


@pytest.fixture
def begun(small_bi_encoder: Path, tmp_path: Path) -> Path:
    """The cross-encoder's folder as training finds it."""
    from evaluation.training import interaction_folder

    folder = tmp_path / "begun"
    interaction_folder.begin(small_bi_encoder, folder, crossing_layers=1, max_tokens=64)
    return folder


def _logits(folder: Path, make_settings: MakeSettings) -> np.ndarray:
    model = load_cross_encoder(make_settings(cross_encoder=str(folder)))
    return model.score([(query, Passage(text)) for query, text in PAIRS]).logits


def test_a_bert_bi_encoder_with_mean_pooling_can_begin_one(
    small_bi_encoder: Path, begun: Path
) -> None:
    """And what was begun is known by its configuration, not by its name."""
    from evaluation.training import interaction_folder

    assert interaction_folder.starts_from(ModelFolder(small_bi_encoder, "b", "1", "path"))
    assert not interaction_folder.starts_from(ModelFolder(begun, "b", "1", "path"))
    assert interaction_folder.is_interaction(begun)


def test_closed_and_alone_its_cosine_is_the_bi_encoders(
    small_bi_encoder: Path, begun: Path, make_settings: MakeSettings
) -> None:
    """With the bias shut and MaxSim left out, each score is the base's similarity."""
    from evaluation.training import interaction_folder

    scorer = interaction_folder.read(begun)
    with torch.no_grad():
        scorer.crossing.fill_(-1e9)
        scorer.scales.copy_(torch.tensor([1.0, 0.0]))
    interaction_folder.write(scorer, begun)
    encoder = load_bi_encoder(make_settings(bi_encoder=str(small_bi_encoder)))
    expected = [
        float(
            encoder.encode_queries([query]).vectors[0] @ encoder.encode_queries([text]).vectors[0]
        )
        for query, text in PAIRS
    ]
    np.testing.assert_allclose(_logits(begun, make_settings), expected, atol=1e-4)


def test_both_runtimes_agree_on_trained_weights(begun: Path, make_settings: MakeSettings) -> None:
    """Every learned part moved away from where it began, texts cut on both sides."""
    from evaluation.training import interaction_folder
    from evaluation.training.rerankers import InteractionModule

    scorer = interaction_folder.read(begun)
    torch.manual_seed(4)
    with torch.no_grad():
        for part in (scorer.crossing, scorer.token_weight, scorer.classifier.weight):
            part.add_(torch.randn_like(part) * 0.5)
    interaction_folder.write(scorer, begun)
    module = InteractionModule.load(str(begun))
    pairs = [*PAIRS, (" ".join(TEXTS), " ".join(TEXTS)), ("a", "")]
    with torch.inference_mode():
        expected = module(module.preprocess(pairs))["scores"][:, 0].numpy()
    model = load_cross_encoder(make_settings(cross_encoder=str(begun)))
    scores = model.score([(query, Passage(text)) for query, text in pairs])
    np.testing.assert_allclose(scores.logits, expected, atol=1e-3)
    assert np.ptp(expected) > 0.1
    assert scores.truncated.any()


def test_quantised_weights_score_nearly_the_same(
    begun: Path, make_settings: MakeSettings, tmp_path: Path
) -> None:
    """int8 rows against the float32 that they were made of."""
    from evaluation.training.quantising import quantise_file

    exact = _logits(begun, make_settings)
    small = tmp_path / "small"
    shutil.copytree(begun, small)
    quantise_file(small / "model.safetensors", small / "model.safetensors")
    assert np.abs(_logits(small, make_settings) - exact).max() < 0.05 * np.ptp(exact)


def test_its_scale_for_the_prior_is_read_from_its_configuration(
    begun: Path, make_settings: MakeSettings
) -> None:
    """The blend belongs to the model; where there is none, logits order alone."""
    import json

    settings = make_settings(cross_encoder=str(begun))
    assert load_cross_encoder(settings).card.prior_scale is None
    config = json.loads((begun / "config.json").read_text())
    config["winnow_blend"] = {"prior_scale": 1.5}
    (begun / "config.json").write_text(json.dumps(config))
    assert load_cross_encoder(settings).card.prior_scale == 1.5

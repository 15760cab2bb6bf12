"""The listwise loss: of each group by itself, however the pairs are passed."""

from pathlib import Path

import pytest

from services.models.folder import ModelFolder

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

BASE = Path(__file__).parents[1] / "fixtures" / "tiny-cross-encoder"


def test_the_loss_of_a_batch_is_the_mean_of_its_groups(tmp_path: Path) -> None:
    """Though pairs are passed by length, each logit comes back to its own passage."""
    import torch

    from evaluation.training.losses import ListwiseLoss, Objective
    from evaluation.training.rerankers import open_base

    base = ModelFolder(BASE, "tiny", "0", "path")
    model = open_base(base, tmp_path, crossing_layers=1, frozen_layers=0, max_tokens=48)
    model.eval()
    loss = ListwiseLoss(model, Objective(prior_scale=0.5))
    queries = ["where the river flows", "when the engine turns"]
    passages = [
        [f"The {word} " + "flows far " * (13 * number % 11) for number in range(12)]
        for word in ("river", "engine")
    ]
    priors = [[float(number % 5) for number in range(12)] for _ in queries]
    gains = torch.tensor([[3.0, 1.0, *[0.0] * 10], [0.0, 0.0, 2.0, *[0.0] * 9]])
    with torch.no_grad():
        whole = loss([queries, passages, priors], gains)
        parts = [
            loss([queries[i : i + 1], passages[i : i + 1], priors[i : i + 1]], gains[i : i + 1])
            for i in range(2)
        ]
    for name, value in whole.items():
        apart = sum(float(part[name]) for part in parts) / 2
        assert float(value) == pytest.approx(apart, abs=1e-4)
    assert float(parts[0]["alone"]) != pytest.approx(float(parts[1]["alone"]), abs=1e-4)

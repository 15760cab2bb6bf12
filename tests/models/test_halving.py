"""A batch too large for the GPU's memory is run in halves."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from services.models.finding import find_model
from services.models.reranker import InProcessReranker
from services.models.tokenizing import ModelTokenizer
from services.models.torch_cross_encoder import TorchCrossEncoder, load_torch_cross_encoder
from services.models.torch_device import run_halving
from services.ports.models import Passage, RerankRequest
from tests.models.conftest import TEXTS, MakeModel, MakeSettings


class SmallMemory:
    """Doubles numbers, so many at a time; more do not fit."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.sizes: list[int] = []

    def __call__(self, rows: Sequence[int]) -> list[int]:
        """Twice each row."""
        self.sizes.append(len(rows))
        if len(rows) > self.room:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return [2 * row for row in rows]


def test_what_does_not_fit_is_halved_until_it_does() -> None:
    """Every row once, in its order."""
    run = SmallMemory(3)
    assert run_halving(run, list(range(11))) == [2 * row for row in range(11)]
    assert run.sizes[:3] == [11, 5, 2]


def test_one_row_that_does_not_fit_is_an_error() -> None:
    """There is nothing left to halve."""
    with pytest.raises(torch.cuda.OutOfMemoryError):
        run_halving(SmallMemory(0), [1, 2])


class SmallGpu(torch.nn.Module):
    """A network on a device that has room for so many pairs."""

    def __init__(self, network: Any, room: int) -> None:
        super().__init__()
        self.config = network.config
        self.sizes: list[int] = []
        self._network = network
        self._room = room

    def forward(self, **batch: torch.Tensor) -> Any:
        """The network's answer, or the error that CUDA raises."""
        self.sizes.append(len(batch["input_ids"]))
        if self.sizes[-1] > self._room:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return self._network(**batch)


async def test_a_worker_outlives_a_gpu_that_is_too_small(
    make_model: MakeModel, make_settings: MakeSettings
) -> None:
    """Every pair is scored, as on a GPU that is large enough, and so are the next ones."""
    folder = make_model("Bert")
    settings = make_settings(cross_encoder=str(folder))
    found = find_model(str(folder), settings)
    whole = load_torch_cross_encoder(found, settings, "cpu")
    gpu = SmallGpu(whole._network, room=2)
    small = TorchCrossEncoder(gpu, ModelTokenizer(found.path), whole.card)  # type: ignore[arg-type]  # what it uses of a network
    passages = [Passage(text) for text in TEXTS[:5]]
    expected = whole.score([("tides", passage) for passage in passages]).logits
    reranker = InProcessReranker(small)
    for _ in range(2):
        result = await reranker.rerank(RerankRequest("tides", passages, float("inf")))
        np.testing.assert_allclose(result.scores, expected, atol=1e-3)
    await reranker.close()
    assert max(gpu.sizes) > 2

"""A batch too large for the GPU's memory is run in halves."""

from collections.abc import Sequence

import pytest
import torch

from services.models.torch_device import run_halving


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

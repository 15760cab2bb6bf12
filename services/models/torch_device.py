"""Whether torch is worth importing, without importing it; and how it runs."""

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import torch

Row = TypeVar("Row")
Answer = TypeVar("Answer")

_GPU_FILES = ("/dev/nvidia0", "/dev/nvidiactl", "/dev/dxg", "/dev/kfd")


def torch_installed() -> bool:
    """Whether ``winnow[torch]`` is installed."""
    return all(importlib.util.find_spec(name) for name in ("torch", "sentence_transformers"))


def cuda_device() -> str:
    """Name the device "cuda" where torch is installed and sees a GPU, else ""."""
    if not torch_installed() or not any(Path(file).exists() for file in _GPU_FILES):
        return ""
    import torch  # takes seconds: only where a GPU is likely

    return "cuda" if torch.cuda.is_available() else ""


def torch_precision(wanted: str, device: str) -> tuple[str, "torch.dtype"]:
    """The precision's name and type: on a GPU bf16 where it has it, else fp16."""
    import torch

    if wanted == "bf16":
        return "bf16", torch.bfloat16
    if wanted == "fp32" or device == "cpu":
        return "fp32", torch.float32
    if torch.cuda.is_bf16_supported():
        return "bf16", torch.bfloat16
    return "fp16", torch.float16


def run_halving(run: Callable[[Sequence[Row]], list[Answer]], rows: Sequence[Row]) -> list[Answer]:
    """Run a batch; one that is too large for the GPU's memory is run in halves."""
    import torch

    try:
        return run(rows)
    except torch.cuda.OutOfMemoryError:
        if len(rows) == 1:
            raise
    # Outside the handler, so that the failed run's tensors are let go first.
    torch.cuda.empty_cache()
    half = len(rows) // 2
    return run_halving(run, rows[:half]) + run_halving(run, rows[half:])

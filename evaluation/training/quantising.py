"""Weights in int8 with a scale for each row: a quarter of the size, nearly the same model.

``services/models/weights.py`` reads them back as float32. Symmetric rounding by rows loses
less than by tensors, since a rare word's row may be ten times smaller than a common one's
(Dettmers et al. 2022, arXiv 2208.07339, section 2).
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from services.models.weights import SCALE, Weights

_LARGEST = 127
_FEWEST_VALUES = 4_096


def quantise_file(source: Path, target: Path) -> None:
    """Rewrite a safetensors file; vectors and small tables stay float32."""
    weights = Weights([source])
    tensors: dict[str, NDArray[np.int8] | NDArray[np.float32]] = {}
    for name in weights:
        values = weights[name]
        if values.ndim == 2 and values.size >= _FEWEST_VALUES:
            tensors[name], tensors[name + SCALE] = quantise_rows(values)
        else:
            tensors[name] = np.ascontiguousarray(values)
    unfinished = target.with_suffix(".unfinished")
    save_file(tensors, unfinished, metadata={"format": "pt"})
    unfinished.replace(target)


def quantise_rows(values: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """int8 [rows, columns] and float32 scales [rows]: a row is at most half a scale off."""
    scales = np.abs(values).max(1) / _LARGEST
    scales = np.where(scales > 0, scales, 1).astype(np.float32)
    rounded = np.rint(values / scales[:, None]).clip(-_LARGEST, _LARGEST)
    return rounded.astype(np.int8), scales

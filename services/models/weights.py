"""Reads safetensors files as views of the mapped file: no copy, no torch.

A matrix may be stored in int8, with a float32 scale for each row beside it under the name
``<tensor>.scale``: a quarter of the size, and read back as float32.

Format: https://huggingface.co/docs/safetensors/index#format (eight bytes of header
length, a JSON header of dtypes, shapes and offsets, then the raw little-endian data).
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.errors import ModelUnavailable

_DTYPES: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),
    "I8": np.dtype("i1"),
}
SCALE = ".scale"
_MAX_HEADER_BYTES = 100_000_000
_PREFIXES = ("", "bert.", "roberta.", "model.")
_RENAMED = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}


class Weights(Mapping[str, NDArray[np.float32]]):
    """Tensors by name as float32, read from one file or from the shards of an index.

    A name is looked up with and without the prefixes that a task model puts before its
    encoder ("bert.", "roberta."), and with the older names of layer normalisation.
    """

    def __init__(self, files: list[Path]) -> None:
        self._tensors: dict[str, tuple[NDArray[np.uint8], str, list[int]]] = {}
        for file in files:
            self._tensors.update(_read_header(file))

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        stored = self._stored_name(name)
        raw, dtype, shape = self._tensors[stored]
        values: NDArray[Any] = raw.view(_DTYPES[dtype])
        if dtype == "BF16":
            values = (values.astype(np.uint32) << 16).view(np.float32)
        values = np.asarray(values, np.float32).reshape(shape)
        return values * self[stored + SCALE][:, None] if dtype == "I8" else values

    def __contains__(self, name: object) -> bool:
        try:
            return self._stored_name(str(name)) in self._tensors
        except KeyError:
            return False

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._tensors if not name.endswith(SCALE))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _stored_name(self, name: str) -> str:
        old = name
        for new_part, old_part in _RENAMED.items():
            old = old.replace(new_part, old_part)
        for candidate in (name, old):
            for prefix in _PREFIXES:
                if prefix + candidate in self._tensors:
                    return prefix + candidate
        raise KeyError(name)


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a model folder: one, or the shards that its index names."""
    single = folder / "model.safetensors"
    if single.is_file():
        return [single]
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return []
    shards = sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
    files = [folder / Path(shard).name for shard in shards]
    return files if all(file.is_file() for file in files) else []


def _read_header(file: Path) -> dict[str, tuple[NDArray[np.uint8], str, list[int]]]:
    try:
        # Copy on write: OpenVINO shares only memory that calls itself writable.
        mapped = np.memmap(file, dtype=np.uint8, mode="c")
        length = int(mapped[:8].view("<u8")[0])
        if length > min(_MAX_HEADER_BYTES, mapped.size - 8):
            raise ValueError("its header is longer than the file")
        header = json.loads(mapped[8 : 8 + length].tobytes())
        header.pop("__metadata__", None)
        data = mapped[8 + length :]
        return {
            name: (_slice(data, entry), entry["dtype"], entry["shape"])
            for name, entry in header.items()
            if entry["dtype"] in _DTYPES
        }
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise ModelUnavailable(
            f"{file.name} is not a readable safetensors file ({error}): fetch the model again."
        ) from error


def _slice(data: NDArray[np.uint8], entry: Mapping[str, list[int]]) -> NDArray[np.uint8]:
    start, end = entry["data_offsets"]
    if not 0 <= start <= end <= data.size:
        raise ValueError("a tensor lies outside the file")
    return data[start:end]

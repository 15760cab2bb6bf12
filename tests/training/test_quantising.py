"""Matrices in int8 with a scale for each row, read back as float32."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors.numpy import save_file

from evaluation.training.quantising import quantise_file, quantise_rows
from services.models.weights import Weights


@given(
    arrays.arrays(
        np.float32,
        arrays.array_shapes(min_dims=2, max_dims=2, max_side=12),
        elements=st.floats(-100, 100, width=32),
    )
)
def test_no_value_is_off_by_more_than_half_a_step(values: np.ndarray) -> None:
    """A step being the row's largest value in 127 parts."""
    rounded, scales = quantise_rows(values)
    step = np.abs(values).max(1, keepdims=True) / 127
    assert (np.abs(rounded * scales[:, None] - values) <= 0.5001 * step + 1e-6).all()


def test_a_file_is_a_quarter_and_reads_as_before(tmp_path: Path) -> None:
    """Under the same names, also behind a prefix; vectors and small tables are exact."""
    chance = np.random.default_rng(1)
    stored = {
        "bert.dense.weight": chance.normal(size=(96, 128)).astype(np.float32),
        "bert.dense.bias": chance.normal(size=96).astype(np.float32),
        "scales": chance.normal(size=(2, 4)).astype(np.float32),
    }
    source, target = tmp_path / "model.safetensors", tmp_path / "small.safetensors"
    save_file(stored, source)
    quantise_file(source, target)
    assert target.stat().st_size < 0.3 * source.stat().st_size
    read = Weights([target])
    assert sorted(read) == sorted(stored)
    assert len(read) == 3
    np.testing.assert_array_equal(read["dense.bias"], stored["bert.dense.bias"])
    np.testing.assert_array_equal(read["scales"], stored["scales"])
    matrix = read["dense.weight"]
    assert matrix.dtype == np.float32
    np.testing.assert_allclose(matrix, stored["bert.dense.weight"], atol=0.02)


def test_a_file_may_be_rewritten_in_place(tmp_path: Path) -> None:
    """And once more, without another loss."""
    file = tmp_path / "model.safetensors"
    save_file({"w": np.random.default_rng(2).normal(size=(64, 64)).astype(np.float32)}, file)
    quantise_file(file, file)
    once = Weights([file])["w"].copy()
    quantise_file(file, file)
    np.testing.assert_allclose(Weights([file])["w"], once, rtol=1e-6)

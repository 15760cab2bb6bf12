"""The fixed matrix that makes token vectors short enough to be stored.

A matrix belongs to one set of weights: a file in the model's own folder
(``token_projection.npy``), or one that Winnow ships under ``projections/``, named by the
weights' revision. Columns are ordered by the variance that they explain (principal
components), so the first n of them are the projection to n dimensions.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.errors import InvalidInput, ModelUnavailable
from services.models.folder import ModelFolder

_SHIPPED = Path(__file__).parent / "projections"
_DIGEST_LENGTH = 12

DEFAULT_DIMENSIONS = 64


@dataclass(frozen=True, slots=True)
class TokenProjection:
    """Token states [.., hidden] times ``matrix`` are stored token vectors, once normalised.

    Attributes:
        matrix: float32 [hidden, token_dimensions].
        digest: names the matrix in the encoder's fingerprint.
    """

    matrix: NDArray[np.float32]
    digest: str


def load_projection(
    folder: ModelFolder, token_dimensions: int | None, hidden: int
) -> TokenProjection | None:
    """The projection of a model, or None where token vectors are switched off.

    Args:
        token_dimensions: None takes what the model has, at most 64 dimensions, which keep
            the order of MaxSim nearly as the full vectors do; 0 switches them off.

    Raises:
        InvalidInput: no matrix for this model, or one of fewer columns.
        ModelUnavailable: the file is damaged or does not fit the model.
    """
    if token_dimensions == 0:
        return None
    own = folder.path / "token_projection.npy"
    file = own if own.is_file() else _SHIPPED / f"{folder.revision}.npy"
    if not file.is_file():
        if token_dimensions is None:
            return None
        raise InvalidInput(
            f"There is no token projection for {folder.name} at these weights: "
            "set WINNOW_TOKEN_DIMENSIONS=0, or make one with scripts/make-token-projection."
        )
    try:
        full = np.load(file, allow_pickle=False).astype(np.float32)
    except (OSError, ValueError) as error:
        raise ModelUnavailable(
            f"The token projection {file.name} cannot be read ({error}): make it again."
        ) from error
    if full.ndim != 2 or full.shape[0] != hidden:
        raise ModelUnavailable(
            f"The token projection {file.name} is not for states of {hidden} dimensions: "
            "make it again for this model."
        )
    if token_dimensions is None:
        token_dimensions = min(full.shape[1], DEFAULT_DIMENSIONS)
    if token_dimensions > full.shape[1]:
        raise InvalidInput(
            f"The token projection of {folder.name} has {full.shape[1]} dimensions: "
            "set WINNOW_TOKEN_DIMENSIONS to that or less."
        )
    matrix = np.ascontiguousarray(full[:, :token_dimensions])
    return TokenProjection(matrix, hashlib.sha256(matrix.tobytes()).hexdigest()[:_DIGEST_LENGTH])

"""A point's vectors, read back as they were written."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from services.points.payload import PASSAGE
from services.points.searching import TEXT, TOKENS
from services.ports.vectors import StoredVectors


def stored_vectors(payload: Mapping[str, Any] | None, vectors: object) -> StoredVectors | None:
    """What a point holds, None where it has no vector.

    Engines keep vectors at length one, and leave alone what has that length: so what is read
    may be written again. Token vectors are float16 where they are kept, too.
    """
    held = vectors.get(TEXT) if isinstance(vectors, dict) else None
    if held is None:
        return None
    tokens = vectors.get(TOKENS) if isinstance(vectors, dict) else None
    return StoredVectors(
        (payload or {}).get(PASSAGE, ""),
        np.asarray(held, np.float32),
        None if tokens is None else np.asarray(tokens, np.float16),
    )

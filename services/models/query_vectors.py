"""A query's vectors as bytes: a header, then the arrays as they lie in memory.

::

    magic (4) | dimensions (4) | tokens (4) | token dimensions (4) |
    float32 [dimensions] | float16 [tokens, token dimensions] | int32 [tokens, 2]

Little-endian, like every machine that runs Winnow. A query without token vectors has
2^32 - 1 for their number.
"""

import struct

import numpy as np

from services.generations import EncoderFingerprint
from services.ports.models import Encoded
from services.ports.vectors import Vectors

_MAGIC = b"WNQ1"
_HEADER = struct.Struct("<4sIII")
_NO_TOKENS = 2**32 - 1


def dump(encoded: Encoded) -> bytes:
    """The vectors of one query, [1, dimensions]."""
    vector = np.ascontiguousarray(encoded.vectors[0], np.float32)
    if encoded.tokens is None or encoded.offsets is None:
        return _HEADER.pack(_MAGIC, vector.size, _NO_TOKENS, 0) + vector.tobytes()
    tokens = np.ascontiguousarray(encoded.tokens[0], np.float16)
    offsets = np.ascontiguousarray(encoded.offsets[0], np.int32)
    header = _HEADER.pack(_MAGIC, vector.size, len(tokens), tokens.shape[1])
    return header + vector.tobytes() + tokens.tobytes() + offsets.tobytes()


def load(raw: bytes, fingerprint: EncoderFingerprint) -> Encoded | None:
    """What :func:`dump` was given, None where the bytes are not an encoder's of this kind."""
    if len(raw) < _HEADER.size:
        return None
    magic, dimensions, count, size = _HEADER.unpack_from(raw)
    if magic != _MAGIC or dimensions != fingerprint.dimensions:
        return None
    place = _HEADER.size
    vector_bytes = 4 * dimensions
    if count == _NO_TOKENS:
        if fingerprint.token_dimensions or len(raw) != place + vector_bytes:
            return None
        return _finite(Encoded(_floats(raw, place, dimensions)))
    token_bytes, offset_bytes = 2 * count * size, 8 * count
    whole = place + vector_bytes + token_bytes + offset_bytes
    if size != fingerprint.token_dimensions or len(raw) != whole:
        return None
    tokens = np.frombuffer(raw, "<f2", count * size, place + vector_bytes)
    offsets = np.frombuffer(raw, "<i4", 2 * count, place + vector_bytes + token_bytes)
    return _finite(
        Encoded(
            _floats(raw, place, dimensions),
            [tokens.reshape(count, size).astype(np.float16)],
            [offsets.reshape(count, 2).astype(np.int32)],
        )
    )


def _floats(raw: bytes, place: int, dimensions: int) -> Vectors:
    return np.frombuffer(raw, "<f4", dimensions, place).reshape(1, -1).astype(np.float32)


def _finite(encoded: Encoded) -> Encoded | None:
    finite = bool(np.isfinite(encoded.vectors).all())
    finite = finite and all(np.isfinite(tokens).all() for tokens in encoded.tokens or ())
    return encoded if finite else None

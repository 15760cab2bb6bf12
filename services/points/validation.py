"""Why an entry can never be indexed, or a query never be answered."""

import numpy as np
from numpy.typing import NDArray

from services.errors import InvalidInput
from services.generations import EncoderFingerprint
from services.ports.vectors import VectorEntry, Vectors


def find_fault(entry: VectorEntry, encoder: EncoderFingerprint) -> str:
    """A sentence that says what is wrong with an entry, "" where nothing is.

    Zero vectors pass: they score 0 with every query, and their document still counts.
    """
    return (
        _vectors_fault(entry, encoder.dimensions)
        or _tokens_fault(entry, encoder.token_dimensions)
        or _text_fault(entry)
    )


def check_query(vectors: Vectors, dimensions: int) -> None:
    """Raise InvalidInput unless the last axis has the index's size and all is finite."""
    if vectors.shape[-1] != dimensions or not np.isfinite(vectors).all():
        raise InvalidInput(
            f"The query's vector has {vectors.shape[-1]} dimensions, or is not finite; this "
            f"index holds {dimensions}. Search with the model that it was built with."
        )


def _vectors_fault(entry: VectorEntry, dimensions: int) -> str:
    expected = (len(entry.chunks), dimensions)
    if entry.chunks and entry.vectors.shape != expected:
        return f"Its vectors have the shape {entry.vectors.shape}; the index takes {expected}."
    if not np.isfinite(entry.vectors).all():
        return "The model gave it vectors that are not finite."
    return ""


def _tokens_fault(entry: VectorEntry, dimensions: int) -> str:
    if entry.tokens is None:
        return ""
    if len(entry.tokens) != len(entry.chunks):
        return f"It has {len(entry.chunks)} chunks and token vectors for {len(entry.tokens)}."
    if any(len(tokens) and not _is_matrix(tokens, dimensions) for tokens in entry.tokens):
        return f"Its token vectors are not of {dimensions} dimensions."
    if not all(np.isfinite(tokens).all() for tokens in entry.tokens):
        return "The model gave it token vectors that are not finite."
    return ""


def _is_matrix(tokens: NDArray[np.float16], dimensions: int) -> bool:
    return tokens.ndim == 2 and tokens.shape[1] == dimensions  # rows, columns


def _text_fault(entry: VectorEntry) -> str:
    texts = [*entry.document.principals]
    for chunk in entry.chunks:
        texts += (chunk.text, *chunk.heading_path)
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return "Its text is not valid Unicode (a lone surrogate): send UTF-8."
    return ""

"""The vector index of the embedded stack, on Qdrant Edge."""

from services.embedded.vectors.store import EdgeStore

__all__ = ["EdgeStore"]

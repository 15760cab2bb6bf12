"""The vector index on a Qdrant server."""

from services.qdrant.configuration import QdrantConfiguration
from services.qdrant.connection import connect
from services.qdrant.store import QdrantStore

__all__ = ["QdrantConfiguration", "QdrantStore", "connect"]

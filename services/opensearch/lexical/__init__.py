"""The text index on OpenSearch."""

from services.opensearch.lexical.store import OpenSearchStore

__all__ = ["OpenSearchStore"]

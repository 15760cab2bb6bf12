"""The text index on one machine: Tantivy in the data directory."""

from services.embedded.lexical.store import TantivyStore

__all__ = ["TantivyStore"]

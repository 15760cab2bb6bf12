"""Documents cut into chunks: structure first, measured in the bi-encoder's own tokens."""

from indexer.chunking.document import Overhead, chunk_document

__all__ = ["Overhead", "chunk_document"]

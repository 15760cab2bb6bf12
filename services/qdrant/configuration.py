"""What an operator may choose about Qdrant."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QdrantConfiguration:
    """How collections are made and asked; what makes one applies to new generations.

    Attributes:
        prefix: begins the name of every collection, before a dash, so that installations
            can share a server.
        hnsw_m: links of each node of the graph; 0 for exact search without one.
        hnsw_ef_construct: neighbours looked at when the graph is built.
        hnsw_ef: neighbours looked at when it is searched; 0 leaves it to Qdrant.
        quantization: "none", "scalar" (a byte a dimension) or "binary" (a bit); what it
            finds is scored again with the full vectors.
        read_timeout_s: the longest that one read may take.
        write_timeout_s: the longest that one write, or the making of a collection, may
            take.
    """

    prefix: str = "winnow"
    hnsw_m: int = 16
    hnsw_ef_construct: int = 128
    hnsw_ef: int = 0
    quantization: str = "none"
    shards: int = 1
    replicas: int = 1
    read_timeout_s: float = 5.0
    write_timeout_s: float = 60.0

"""The store that the settings ask for."""

from services.qdrant.configuration import QdrantConfiguration
from services.qdrant.connection import connect
from services.qdrant.store import QdrantStore
from services.settings import Settings


def open_qdrant(settings: Settings) -> QdrantStore:
    """The vector indexes of a server; nothing is sent before it is needed."""
    configuration = QdrantConfiguration(
        prefix=settings.qdrant_prefix,
        hnsw_m=settings.qdrant_hnsw_m,
        hnsw_ef_construct=settings.qdrant_hnsw_ef_construct,
        hnsw_ef=settings.qdrant_hnsw_ef,
        quantization=settings.qdrant_quantization,
        shards=settings.qdrant_shards,
        replicas=settings.qdrant_replicas,
        read_timeout_s=settings.qdrant_timeout_ms / 1_000,
        write_timeout_s=settings.qdrant_write_timeout_ms / 1_000,
    )
    client = connect(
        settings.qdrant_url,
        configuration,
        api_key=settings.qdrant_api_key.get_secret_value(),
        grpc_port=settings.qdrant_grpc_port,
    )
    return QdrantStore(client, configuration)

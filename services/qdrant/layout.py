"""How a generation lies in a Qdrant collection.

Three kinds of points share it. Chunks have vectors and the payload of
:mod:`services.points.payload`. Records tell of each document which version is indexed,
tombstones included. Words are the dictionary that orders keywords. Records and words have
no vectors, so no search finds them; ``role`` says which is which.
"""

import hashlib
import uuid
from collections.abc import Mapping

from qdrant_client import models

from services.collections import FieldType
from services.generations import EncoderFingerprint
from services.points.payload import READERS, TERMS
from services.qdrant.configuration import QdrantConfiguration

TEXT = "text"
TOKENS = "tokens"

ROLE = "role"
RECORD = "record"

FORMAT = 1

_NAMESPACE = uuid.UUID("0d2a4f7e-5f0c-5a53-9c1d-716472616e74")

INDEXES: Mapping[str, models.PayloadSchemaType] = {
    TERMS: models.PayloadSchemaType.KEYWORD,
    READERS: models.PayloadSchemaType.KEYWORD,
    ROLE: models.PayloadSchemaType.KEYWORD,
    "document": models.PayloadSchemaType.KEYWORD,
    "version": models.PayloadSchemaType.INTEGER,
}
"""Made with the collection: HNSW links points of equal values only if it knows of them."""

COLUMN_TYPES: Mapping[FieldType, models.PayloadSchemaType] = {
    FieldType.INTEGER: models.PayloadSchemaType.INTEGER,
    FieldType.FLOAT: models.PayloadSchemaType.FLOAT,
    FieldType.DATE: models.PayloadSchemaType.DATETIME,
}


def column_name(key: str, kind: FieldType) -> str:
    """The payload field of a numeric key: any process finds it without asking."""
    return f"{kind}_{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def record_id(document_id: str) -> str:
    """The point that tells which version of a document is indexed."""
    return str(uuid.uuid5(_NAMESPACE, f"{RECORD}:{document_id}"))


def word_role(key: str) -> str:
    """The role of the dictionary's words of a key; keys hold no control character."""
    return f"word\x1f{key}"


def word_id(key: str, word: str | int) -> str:
    """The point of one word: the number 1 is another than the string "1"."""
    return str(uuid.uuid5(_NAMESPACE, f"{word_role(key)}\x1f{type(word).__name__}\x1f{word}"))


def equals(field: str, keyword: str) -> models.FieldCondition:
    """A field holds a keyword."""
    return models.FieldCondition(key=field, match=models.MatchValue(value=keyword))


def older_than(version: int) -> models.FieldCondition:
    """A point is of an older version."""
    return models.FieldCondition(key="version", range=models.Range(lt=version))


def vector_parameters(
    encoder: EncoderFingerprint, configuration: QdrantConfiguration
) -> dict[str, models.VectorParams]:
    """The named vectors of a generation."""
    vectors = {
        TEXT: models.VectorParams(
            size=encoder.dimensions,
            distance=models.Distance.COSINE,
            hnsw_config=models.HnswConfigDiff(
                m=configuration.hnsw_m, ef_construct=configuration.hnsw_ef_construct
            ),
            quantization_config=_quantization(configuration.quantization),
        )
    }
    if encoder.token_dimensions:
        vectors[TOKENS] = models.VectorParams(
            size=encoder.token_dimensions,
            distance=models.Distance.DOT,
            datatype=models.Datatype.FLOAT16,
            multivector_config=models.MultiVectorConfig(
                comparator=models.MultiVectorComparator.MAX_SIM
            ),
            # Only windows of named chunks are scored by them: no graph, and on the disk.
            hnsw_config=models.HnswConfigDiff(m=0, payload_m=0),
            on_disk=True,
        )
    return vectors


def _quantization(name: str) -> models.ScalarQuantization | models.BinaryQuantization | None:
    match name:
        case "scalar":
            return models.ScalarQuantization(
                scalar=models.ScalarQuantizationConfig(
                    type=models.ScalarType.INT8, quantile=0.99, always_ram=True
                )
            )
        case "binary":
            return models.BinaryQuantization(
                binary=models.BinaryQuantizationConfig(always_ram=True)
            )
        case _:
            return None

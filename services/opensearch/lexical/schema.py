"""Settings and mappings of a generation's index.

One index holds two kinds of rows: chunks, which are scored, and documents, which are
counted, browsed and compared. Their words live in fields of their own, for each language
apart: Lucene's BM25 counts rarity and average length over one field, so no kind of row and
no language shifts another's scores.

Words arrive analyzed. ``services.analysis`` is the one implementation of the analyzer
table, on both stacks, for texts, queries and highlights; Lucene's own stemmers and
tokenizers follow other releases of Snowball and Unicode than ours, and a word that a query
stems otherwise than the index is a word that is never found. What remains for OpenSearch's
analyzer is to put terms into their positions (see ``words.py``).
"""

from services.analysis.table import ANALYZERS, ANALYZERS_VERSION, BM25_B, BM25_K1
from services.collections import MAX_KEYS_PER_TYPE, FieldType
from services.opensearch.bulk import LONGEST_RETRY_S
from services.opensearch.client import Json
from services.opensearch.lexical.words import ANALYSIS, ANALYZER
from services.opensearch.packing import STORED

MAX_DEPTH = 100_000
"""Rows that one search may be asked for; the engine's own default is 10,000."""

BOOSTS = {"words": 1.0, "title": 0.3}
"""Weights of a chunk row's fields, as the embedded index has them: everything, and the title."""

CHUNK = "chunk"
DOCUMENT = "document"

_ENGINE_TYPES = {
    FieldType.KEYWORD: "keyword",
    FieldType.INTEGER: "long",
    FieldType.FLOAT: "double",
    FieldType.BOOLEAN: "boolean",
    FieldType.DATE: "long",  # microseconds: the engine's own dates have milliseconds
}


def chunk_field(name: str, language: str) -> str:
    """A field of chunk rows for one language's words: ``words`` or ``title``."""
    return f"{name}_{language}"


def document_field(language: str) -> str:
    """A document row's field for all its words."""
    return f"document_{language}"


def column_mapping(kind: FieldType) -> Json:
    """How a metadata column of a type is mapped."""
    return {"type": _ENGINE_TYPES[kind]}


def index_settings() -> Json:
    """What a generation's index needs besides shards and replicas."""
    return {
        "max_result_window": MAX_DEPTH,
        # A deletion is remembered until no write older than it can still be under way.
        "gc_deletes": f"{2 * LONGEST_RETRY_S}s",
        "mapping": {"total_fields": {"limit": 3 * len(ANALYZERS) + 64 * len(FieldType) + 100}},
        "similarity": {
            "winnow": {
                "type": "BM25",
                "k1": BM25_K1,
                "b": BM25_B,
                "discount_overlaps": False,  # single characters beside their bigrams count
            }
        },
        "analysis": ANALYSIS,
    }


def index_mappings() -> Json:
    """The fields of both kinds of rows; metadata columns are added as keys come in."""
    fields: Json = {
        "kind": {"type": "keyword"},
        "id": {"type": "keyword"},
        "ordinal": {"type": "integer"},
        "version": {"type": "long"},
        "chunks": {"type": "integer"},
        "live": {"type": "boolean"},
        "language": {"type": "keyword"},
        "public": {"type": "boolean"},
        "principals": {"type": "keyword"},
        "chunk": STORED,
    }
    for language in ANALYZERS:
        for name in BOOSTS:
            fields[chunk_field(name, language)] = _words(norms=True)
        fields[document_field(language)] = _words(norms=False)
    return {
        "dynamic": "strict",
        "_meta": {"analyzers": ANALYZERS_VERSION, "max_keys_per_type": MAX_KEYS_PER_TYPE},
        "_source": {"excludes": [f"{name}_*" for name in (*BOOSTS, "document")]},
        "properties": fields,
    }


def _words(*, norms: bool) -> Json:
    return {"type": "text", "analyzer": ANALYZER, "similarity": "winnow", "norms": norms}

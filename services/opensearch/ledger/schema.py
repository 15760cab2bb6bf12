"""The ledger's indexes: one for the pointer records, one of documents for each collection.

``settled`` holds the keys of the generations in which a document's newest version is
indexed or dead. A document is pending in every generation that it does not name: a new
generation finds all of them pending, and a change clears the list, without either knowing
of the other.
"""

from services.opensearch.client import Json
from services.opensearch.packing import STORED

RECORDS_MAPPINGS: Json = {
    "dynamic": "strict",
    "properties": {"name": {"type": "keyword"}, "record": STORED},
}
"""A pointer record: the collection, its generations, the live one, epoch and revision."""

DOCUMENTS_MAPPINGS: Json = {
    "dynamic": "strict",
    "properties": {
        "id": {"type": "keyword"},
        "version": {"type": "long"},
        "deleted": {"type": "boolean"},
        "language": {"type": "keyword"},
        "change": {"type": "long"},
        "size": {"type": "long"},
        "settled": {"type": "keyword"},
        "dead": {"type": "keyword"},
        "hash": STORED,
        "updated_at": STORED,
        "summary": STORED,
        "body": STORED,
        "letters": STORED,
    },
}
"""A document: what is asked of it, and the rest as it is stored."""

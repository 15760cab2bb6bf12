"""The ledger's indexes: pointer records, leases, audit log, keys; one of documents a collection.

``settled`` holds the keys of the generations in which a document's newest version is
indexed or dead; ``dead`` those whose dead letter is on the list, while a letter that was
dropped stays in ``letters``. A document is pending in every generation that it does not name: a new
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

LEASES_MAPPINGS: Json = {
    "dynamic": "strict",
    "properties": {
        "name": {"type": "keyword"},
        "holder": {"type": "keyword"},
        "fence": {"type": "long"},
        "ttl_s": {"type": "double"},
    },
}
"""A lease; its holder is "" when it is free."""

AUDIT_MAPPINGS: Json = {
    "dynamic": "strict",
    "properties": {"collection": {"type": "keyword"}, "entry": STORED},
}

KEYS_MAPPINGS: Json = {
    "dynamic": "strict",
    "properties": {"id": {"type": "keyword"}, "key": STORED},
}

_KEPT: Json = {**STORED, "store": True}

_COLUMN_CHARACTERS = 8_000
"""Of four bytes at most: Lucene's columns hold values of up to 32,766 bytes."""

DOCUMENTS_MAPPINGS: Json = {
    "dynamic": "strict",
    "properties": {
        "id": {"type": "keyword"},
        "version": {"type": "long", "store": True},
        "deleted": {"type": "boolean", "store": True},
        "language": {"type": "keyword"},
        "change": {"type": "long", "store": True},
        "size": {"type": "long"},
        "settled": {"type": "keyword", "store": True},
        "dead": {"type": "keyword", "store": True},
        "hash": _KEPT,
        "updated_at": _KEPT,
        "summary": {"type": "keyword", "index": False, "ignore_above": _COLUMN_CHARACTERS},
        "body": STORED,
        "letters": _KEPT,
    },
}
"""A document: what is asked of it, and the rest as it is stored.

What lies in ``_source`` alone is read by parsing all of it, text included. So the short
fields are stored by themselves as well, and summaries, of which every search reads
hundreds, are a column where they are not too long for one.
"""

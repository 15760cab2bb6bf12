"""Values as one JSON text inside a row, which OpenSearch stores and never looks into.

Rows themselves are written by a strict encoder. Free text can hold lone surrogates, which
UTF-8 cannot; the packed text then escapes them, so that everything comes back as it was.
"""

import json
from typing import Any

STORED: dict[str, object] = {"type": "keyword", "index": False, "doc_values": False}
"""The mapping of a packed field: part of ``_source`` and of nothing else."""


def pack(value: object) -> str:
    """JSON as compact text, valid Unicode always."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if encodable(text):
        return text
    return json.dumps(value, separators=(",", ":"))


def unpack(text: str) -> Any:
    """What :func:`pack` was given."""
    return json.loads(text)


def encodable(text: str) -> bool:
    """Whether a text is valid Unicode: without lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

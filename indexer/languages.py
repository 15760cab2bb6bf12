"""The language of texts too short to tell: that of the collection around them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.analysis.table import PLAIN
from services.ports.ledger import Record

# A collection has a language when this share of the texts that could be told are in it.
_DOMINANT_SHARE = 0.9


def dominant(counts: Mapping[str, int]) -> str:
    """The language of a collection, or the plain analyzer's code where it has none.

    Args:
        counts: documents by detected language.
    """
    told = {language: count for language, count in counts.items() if language != PLAIN}
    language, most = max(told.items(), key=lambda entry: entry[1], default=(PLAIN, 0))
    return language if most and most >= _DOMINANT_SHARE * sum(told.values()) else PLAIN


def settle(records: Sequence[Record], language: str) -> list[Record]:
    """Records as they are indexed: "Close a file." among English texts is English.

    The ledger keeps what was detected, so that a document's hash does not depend on the
    company it came in; only its analysis does.
    """
    return [_settled(record, language) for record in records]


def _settled(record: Record, language: str) -> Record:
    if record.document is None or record.document.language not in ("", PLAIN):
        return record
    return replace(record, document=replace(record.document, language=language))

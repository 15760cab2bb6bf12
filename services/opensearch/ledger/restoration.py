"""Records of a backup as rows."""

from collections.abc import Sequence
from datetime import timedelta

from services.opensearch.bulk import Action
from services.opensearch.ledger import rows
from services.opensearch.ledger.acceptance import replacement
from services.opensearch.ledger.comparing import Step
from services.opensearch.ledger.documents_index import Row
from services.ports.ledger import Record


def restoring(records: Sequence[Record]) -> Step:
    """Stores each record where the row is older or absent; pending by the time of its change."""
    newest = {
        record.document_id: record for record in sorted(records, key=lambda record: record.version)
    }

    def step(name: str, row: Row | None) -> Action | None:
        record = newest[name]
        if row is not None and row.source["version"] >= record.version:
            return None
        content = rows.content(name, record.document, record.updated_at)
        change = (record.updated_at - rows.EPOCH) // timedelta(microseconds=1)
        return replacement(name, row, rows.unsettled(content, record.version, change))

    return step

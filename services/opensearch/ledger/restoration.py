"""Records that come from elsewhere than a write: of a backup, or in a higher version."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

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


def superseding(above: Mapping[str, int]) -> Step:
    """Raises versions above the rows' own and the given ones; tombstones where no row is."""

    def step(name: str, row: Row | None) -> Action | None:
        now_us = time.time_ns() // 1_000
        if row is None:
            content = rows.content(name, None, datetime.now(UTC))
            return replacement(name, row, rows.unsettled(content, above[name] + 1, now_us))
        version = max(row.source["version"], above[name]) + 1
        return Action("update", name, row.seen, {"doc": rows.unsettled({}, version, now_us)})

    return step

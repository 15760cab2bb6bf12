"""The ledger on OpenSearch."""

from services.opensearch.ledger.store import OpenSearchLedger

__all__ = ["OpenSearchLedger"]

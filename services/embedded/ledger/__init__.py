"""The ledger of the embedded stack, in one SQLite file."""

from services.embedded.ledger.store import SqliteLedger

__all__ = ["SqliteLedger"]

"""OpenSearch 3 behind the ports of the text index and the ledger."""

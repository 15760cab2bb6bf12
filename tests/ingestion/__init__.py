"""Ingestion on workers: real OpenSearch, real Redis, real processes."""

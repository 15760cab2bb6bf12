"""Celery workers: reranking and ingestion away from the API."""

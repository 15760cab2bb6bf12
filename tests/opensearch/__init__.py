"""Tests of the adapters for OpenSearch, against a real node."""

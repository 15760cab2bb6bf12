"""Rerankers and token projections trained on a user's own judgments."""

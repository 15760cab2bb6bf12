"""Bi-encoders and cross-encoders: found, built, batched."""

"""Judged collections in, figures out."""

"""Generations: planned, built beside the live one, checked, switched to and removed."""

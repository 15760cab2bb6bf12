"""What every HTTP application of Winnow shares: problems, keys, limits, metrics."""

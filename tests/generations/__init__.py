"""Generations from their first record to their removal, on both stacks."""

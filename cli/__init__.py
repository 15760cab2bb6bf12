"""The winnow command."""

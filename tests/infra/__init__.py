"""The containers' files, as far as they can be checked without an engine."""

"""``scripts/bench``: speed and memory, side by side with the usual tools in one run."""

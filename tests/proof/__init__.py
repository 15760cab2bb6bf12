"""The proof of changing anything while it serves, and the proof of the proof."""

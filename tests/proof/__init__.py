"""The proof of changing anything while it serves, and the proof of the proof.

``WINNOW_PROOF_EXAMPLES`` chooses how many runs of 50 steps Hypothesis makes (24 unless it is set,
then always the same ones); ``WINNOW_CHAOS_EVERY=1`` kills builders at every fault point rather
than at every third.
"""

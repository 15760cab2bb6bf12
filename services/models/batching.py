"""Which texts share a model pass: pure functions over token counts.

A pass costs the longest of its texts times their number, since shorter ones are padded.
So texts of like length go together, and a budget of padded tokens bounds each pass.
"""

from collections.abc import Sequence


def plan_batches(lengths: Sequence[int], budget_tokens: int) -> list[list[int]]:
    """Cut texts into batches of like length.

    Args:
        lengths: tokens of each text.
        budget_tokens: padded tokens of a batch at most; a text that is longer goes alone.

    Returns:
        batches of indices, each index once; lengths rise within a batch, and the batch
        that holds the earliest index comes first (a stable order: callers put the most
        promising text first).
    """
    order = sorted(range(len(lengths)), key=lambda index: (lengths[index], index))
    batches: list[list[int]] = []
    for index in order:
        if batches and lengths[index] * (len(batches[-1]) + 1) <= budget_tokens:
            batches[-1].append(index)
        else:
            batches.append([index])
    return sorted(batches, key=min)


def take_in_order(waiting: Sequence[Sequence[int]], budget_tokens: int) -> list[int]:
    """How many texts of each request are taken into a round shared by all.

    The first request gives as many as fit, then the next: whoever was promised its scores
    first gets them first, and what it leaves is shared. Each gives its texts in its own order
    (most promising first), and stops at the first that does not fit.

    Args:
        waiting: for each request, the most urgent first, the tokens of its texts.
        budget_tokens: tokens of the round at most; the first text is taken whatever its
            length.

    Returns:
        for each request the number of its texts taken, from its beginning.
    """
    taken = [0] * len(waiting)
    left = budget_tokens
    for request, lengths in enumerate(waiting):
        for length in lengths:
            if length > left and any(taken):
                break
            left -= length
            taken[request] += 1
    return taken


def longest_first(batches: Sequence[list[int]], lengths: Sequence[int]) -> list[list[int]]:
    """Batches in the order of their longest texts: the quick ones fill what time is left."""
    return sorted(batches, key=lambda batch: -max(lengths[index] for index in batch))

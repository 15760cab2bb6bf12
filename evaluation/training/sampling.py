"""Which groups are trained on and which are held out: by seed, not by chance."""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from evaluation.training.groups import Group


@dataclass(frozen=True, slots=True)
class Sampling:
    """How groups become training examples.

    Attributes:
        answers: of an example, at most; where people graded them, their order is learned too.
        negatives: passages beside them.
        dev_share: of the queries, held out by the hash of their text.
        dev_sources: sources that are held out whole.
        dev_limit: the most that are held out; dev_passages: of each, the first so many of
            the order, as a window has them.
        easy_share: of the groups that the prior orders rightly by far, so many are kept:
            they teach little, and none at all would teach that the prior is always wrong.
        margin: what "by far" is, in the prior's logits.
    """

    answers: int = 5
    negatives: int = 7
    dev_share: float = 0.05
    dev_sources: frozenset[str] = frozenset()
    dev_limit: int = 300
    dev_passages: int = 20
    easy_share: float = 0.25
    margin: float = 1.0


def split(groups: Sequence[Group], sampling: Sampling) -> tuple[list[Group], list[Group]]:
    """Training groups and held-out ones; the same query is never in both."""
    held = [
        group
        for group in groups
        if group.source in sampling.dev_sources or _fraction(group.query) < sampling.dev_share
    ]
    held.sort(key=lambda group: _fraction("held " + group.query))
    names = {group.query.casefold() for group in held}
    training = [group for group in groups if group.query.casefold() not in names]
    return training, [_window(group, sampling) for group in held[: sampling.dev_limit]]


def _window(group: Group, sampling: Sampling) -> Group:
    first = sorted(group.passages, key=lambda passage: passage.rank)[: sampling.dev_passages]
    answers = [passage for passage in first if (passage.grade or 0) > 0]
    # A query without an answer in the window would measure nothing.
    return replace(group, passages=tuple(first if answers else (group.passages[0], *first)))


def draw(groups: Sequence[Group], count: int, sampling: Sampling, seed: int) -> list[Group]:
    """So many training examples, by weight, each with its answers and their hardest negatives.

    Sources are drawn by weight and their groups in turn, so that a small source repeats
    sooner than a large one of the same weight.
    """
    chance = random.Random(seed)  # noqa: S311  # must be repeatable
    pools: dict[str, list[Group]] = {}
    weights: dict[str, float] = {}
    for group in groups:
        if _easy(group, sampling) and _skip(group, sampling):
            continue
        pools.setdefault(group.source, []).append(group)
        weights[group.source] = weights.get(group.source, 0.0) + group.weight
    if not pools:
        return []
    names = sorted(pools)
    queues: dict[str, list[Group]] = {name: [] for name in names}
    drawn = []
    for name in chance.choices(names, [weights[name] for name in names], k=count):
        if not queues[name]:
            queues[name] = chance.sample(pools[name], len(pools[name]))
        drawn.append(_example(queues[name].pop(), sampling, chance))
    return drawn


def _example(group: Group, sampling: Sampling, chance: random.Random) -> Group:
    """Some answers, and negatives: beside a single answer half of them from the top of the order.

    Beside several answers, of which some are found far down, negatives from the top would
    teach that similarity speaks against a passage: there all are drawn from the whole order.
    """
    answers = [passage for passage in group.passages if (passage.grade or 0) > 0]
    others = [passage for passage in group.passages if (passage.grade or 0) <= 0]
    chosen = chance.sample(answers, min(len(answers), sampling.answers))
    hardest = others[: (sampling.negatives + 1) // 2] if len(chosen) == 1 else []
    rest = others[len(hardest) :]
    more = chance.sample(rest, min(len(rest), sampling.negatives - len(hardest)))
    return replace(group, passages=(*chosen, *hardest, *more))


def _easy(group: Group, sampling: Sampling) -> bool:
    """Whether every answer is far above all others."""
    answers = [passage.prior for passage in group.passages if (passage.grade or 0) > 0]
    others = [passage.prior for passage in group.passages if (passage.grade or 0) <= 0]
    return min(answers) > max(others) + sampling.margin


def _skip(group: Group, sampling: Sampling) -> bool:
    return _fraction("easy " + group.query) >= sampling.easy_share


def _fraction(text: str) -> float:
    """A number in [0, 1) that depends on the text alone."""
    digest = hashlib.sha256(text.casefold().encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64

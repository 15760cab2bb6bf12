"""Distillation: a stronger model's scores, or the blend's own, learned beside the judgments.

The whole of a teacher's order is learned, not only which passage it puts first (Hofstätter
et al. 2020, arXiv 2010.02666; here as the softmax over a group).
"""

from collections.abc import Sequence

from evaluation.training.groups import Group
from services.models.loading import load_cross_encoder
from services.ports.models import Passage
from services.settings import Settings

PRIOR = "prior"
"""Names the order before the cross-encoder as the teacher: self-distillation."""


def teach(settings: Settings, teacher: str, groups: Sequence[Group]) -> list[list[float]] | None:
    """The teacher's logits of each group's passages; None without one.

    Args:
        teacher: "", :data:`PRIOR`, or a cross-encoder by name or path.

    Raises:
        ModelUnavailable: the teacher is not to be had.
    """
    if not teacher:
        return None
    if teacher == PRIOR:
        return [[passage.prior for passage in group.passages] for group in groups]
    named = Settings.model_construct(**(settings.model_dump() | {"cross_encoder": teacher}))
    model = load_cross_encoder(named)
    return [
        model.score(
            [(group.query, Passage(passage.text)) for passage in group.passages]
        ).logits.tolist()
        for group in groups
    ]

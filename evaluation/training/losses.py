"""The listwise loss: the answer first, in the order that users will see."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from sentence_transformers import CrossEncoder
from sentence_transformers.util import batch_to_device
from torch import Tensor, nn

_PASS_PAIRS = 16


@dataclass(frozen=True, slots=True)
class Objective:
    """What is learned.

    Attributes:
        prior_scale: a search orders by ``prior_scale`` times the prior plus the logit, so
            that is what the loss is taken of: the model learns what the prior lacks.
        alone: weight of the same loss on the logits by themselves; without any, they would
            mean nothing where there is no prior.
        teaching: weight of the divergence from the teacher's softmax, where there is one.
    """

    prior_scale: float = 1.0
    alone: float = 0.5
    teaching: float = 0.0


class ListwiseLoss(nn.Module):
    """Softmax cross-entropy over each group (Cao et al. 2007), with and without the prior."""

    def __init__(self, model: CrossEncoder, objective: Objective) -> None:
        super().__init__()
        self.model = model
        self._objective = objective

    def forward(
        self, inputs: Sequence[Any], labels: Sequence[Tensor], **_: Any
    ) -> dict[str, Tensor]:
        """Loss components of a batch.

        Args:
            inputs: queries; for each its passages; for each their priors; and, where there
                is a teacher, for each its logits.
            labels: for each query its passages' gains.
        """
        queries, passages, priors, *taught = inputs
        objective = self._objective
        scores = self._scores(queries, passages)
        losses: dict[str, list[Tensor]] = {}
        for index, (logits, gains) in enumerate(zip(scores, labels, strict=True)):
            target = gains.to(logits) / gains.sum().clamp(min=1)
            prior = torch.tensor(priors[index]).to(logits)
            blended = objective.prior_scale * prior + logits
            losses.setdefault("blended", []).append(_cross_entropy(blended, target))
            if objective.alone:
                loss = objective.alone * _cross_entropy(logits, target)
                losses.setdefault("alone", []).append(loss)
            if objective.teaching and taught:
                wanted = torch.tensor(taught[0][index]).to(logits).softmax(0)
                loss = objective.teaching * _cross_entropy(blended, wanted)
                losses.setdefault("teacher", []).append(loss)
        return {name: torch.stack(values).mean() for name, values in losses.items()}

    def _scores(self, queries: Sequence[str], passages: Sequence[Sequence[str]]) -> list[Tensor]:
        """Logits float32 of each group."""
        pairs = [
            (query, text) for query, texts in zip(queries, passages, strict=True) for text in texts
        ]
        # Those of about one length together, as padding costs as much as words do.
        order = sorted(range(len(pairs)), key=lambda place: sum(map(len, pairs[place])))
        parts = []
        for start in range(0, len(order), _PASS_PAIRS):
            part = [pairs[place] for place in order[start : start + _PASS_PAIRS]]
            features = batch_to_device(self.model.preprocess(part), self.model.device)
            parts.append(self.model(features)["scores"].reshape(-1).float())
        back = torch.tensor(order, device=self.model.device).argsort()
        return list(torch.split(torch.cat(parts)[back], [len(texts) for texts in passages]))

    def get_config_dict(self) -> dict[str, float]:
        """For the checkpoint's model card."""
        objective = self._objective
        return {"prior_scale": objective.prior_scale, "alone": objective.alone}


def _cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    return -(target * logits.log_softmax(0)).sum()

"""How a cross-encoder's logits meet the order before it: the model's own property.

A published cross-encoder's logits order by themselves. One that Winnow trained may be made
to correct the order of late interaction rather than to replace it; its configuration says
how much that order counts.
"""

from collections.abc import Mapping

from services.models.folder import ModelFolder

BLEND = "winnow_blend"
"""The entry of config.json that holds ``prior_scale``."""


def read_prior_scale(folder: ModelFolder) -> float | None:
    """A search orders by so many times the prior's logit plus the model's; None: by its own."""
    blend = folder.json("config.json").get(BLEND)
    scale = blend.get("prior_scale") if isinstance(blend, Mapping) else None
    return float(scale) if isinstance(scale, (int, float)) else None

"""How a cross-encoder's logits meet the order before it: the model's own property.

A published cross-encoder's logits order by themselves. One that Winnow trained may be made
to correct the order of late interaction rather than to replace it; its configuration says
how much that order counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from services.models.folder import ModelFolder

BLEND = "winnow_blend"
"""The entry of config.json that holds ``prior_scale`` and ``asked_only``."""


@dataclass(frozen=True, slots=True)
class Blend:
    """What :class:`services.ports.models.ModelCard` says of a cross-encoder's place."""

    prior_scale: float | None = None
    asked_only: bool = False


def read_blend(folder: ModelFolder) -> Blend:
    """The blend that a model's configuration asks for; none where it says nothing of it."""
    blend = folder.json("config.json").get(BLEND)
    if not isinstance(blend, Mapping):
        return Blend()
    scale = blend.get("prior_scale")
    return Blend(
        float(scale) if isinstance(scale, (int, float)) else None,
        blend.get("asked_only") is True,
    )

"""The finished model as a folder: weights, tokenizer, blend, card and recipe."""

import json
from collections.abc import Sequence
from pathlib import Path

from sentence_transformers import CrossEncoder

from evaluation.training.card import write_card
from evaluation.training.fine_tuning import Point, best_point
from evaluation.training.quantising import quantise_file
from evaluation.training.recipe import Recipe
from evaluation.training.rerankers import InteractionModule
from evaluation.training.train import Material
from services.models.blending import BLEND
from services.models.folder import ModelFolder, read_object

_WEIGHTS = "model.safetensors"


def finish(
    model: CrossEncoder,
    recipe: Recipe,
    base: ModelFolder,
    material: Material,
    curve: Sequence[Point],
    out: Path,
) -> float | None:
    """Write the folder; returns how the order before counts beside the logits.

    Where that is chosen, it is chosen on the held-out queries.
    """
    chosen = recipe.training.prior_scale
    if chosen == "dev":
        prior_scale: float | None = best_point(curve).held_out.prior_scale
    else:
        prior_scale = None if chosen == "none" else chosen
    out.mkdir(parents=True, exist_ok=True)
    if isinstance(model[0], InteractionModule):
        model[0].save(str(out))
    else:
        model.save_pretrained(str(out), create_model_card=False)
    if recipe.quantised:
        quantise_file(out / _WEIGHTS, out / _WEIGHTS)
    if prior_scale is not None:
        blend = {"prior_scale": prior_scale, "asked_only": recipe.asked_only}
        _amend(out / "config.json", {BLEND: blend})
    _amend(out / "tokenizer_config.json", {"model_max_length": recipe.training.served_tokens})
    (out / "recipe.json").write_text(recipe.model_dump_json(indent=2) + "\n", "utf-8")
    write_card(out, recipe, base, material, curve, prior_scale)
    return prior_scale


def _amend(file: Path, changes: dict[str, object]) -> None:
    fields = dict(read_object(file)) | changes
    file.write_text(json.dumps(fields, indent=2, sort_keys=True) + "\n", "utf-8")

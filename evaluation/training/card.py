"""The model card: what it learned from, under which licences, how, and how well."""

from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import yaml

from evaluation.training.fine_tuning import Point, best_point
from evaluation.training.recipe import Recipe
from evaluation.training.sources import source_name
from evaluation.training.train import Material
from services.models.folder import ModelFolder

_UNTRAINED = "No checkpoint was better than step 0 by .005, so this is the model before training.\n"
_TRAINED_WITH = ("torch", "sentence-transformers", "transformers")


def write_card(
    folder: Path,
    recipe: Recipe,
    base: ModelFolder,
    material: Material,
    curve: Sequence[Point],
    prior_scale: float | None,
) -> None:
    """Write README.md with the front matter that model hubs and Winnow read."""
    front = {
        "language": list(recipe.languages) or None,
        "license": recipe.licence or None,
        "base_model": base.name,
        "pipeline_tag": "text-ranking",
        "tags": ["winnow", "cross-encoder", "reranker"],
    }
    front = {key: value for key, value in front.items() if value is not None}
    parts = [
        f"---\n{yaml.safe_dump(front, sort_keys=False)}---\n",
        f"# {recipe.name}\n",
        f"{recipe.description}\n" if recipe.description else "",
        _use(folder.name, prior_scale),
        _origin(base, recipe),
        _data(recipe, material),
        _figures(material, curve),
        _versions(),
    ]
    (folder / "README.md").write_text("\n".join(part for part in parts if part), "utf-8")


def _use(folder: str, prior_scale: float | None) -> str:
    blend = (
        "A search orders by its logits alone."
        if prior_scale is None
        else f"A search orders by {prior_scale:g} times the logit of the order before it "
        "(late interaction) plus its own logit (`winnow_blend` in `config.json`)."
    )
    return (
        f"## Use\n\nA cross-encoder for Winnow: `WINNOW_CROSS_ENCODER=path/to/{folder}`. {blend}\n"
    )


def _origin(base: ModelFolder, recipe: Recipe) -> str:
    stored = " Matrices are stored in int8 with a scale for each row." if recipe.quantised else ""
    licence = _licence(base)
    return (
        f"## Base\n\n{base.name}{f' ({licence})' if licence else ''}, weights {base.revision} "
        f"(beginning of their SHA-256).{stored} "
        "How it was trained stands in `recipe.json`; `winnow train --recipe` repeats it.\n"
    )


def _licence(base: ModelFolder) -> str:
    """What the base's own card says; "" where it has none."""
    card = base.path / "README.md"
    text = card.read_text("utf-8", "replace") if card.is_file() else ""
    if not text.startswith("---"):
        return ""
    try:
        front = yaml.safe_load(text[3:].partition("\n---")[0])
    except yaml.YAMLError:
        return ""
    return str(front.get("license") or "") if isinstance(front, dict) else ""


def _data(recipe: Recipe, material: Material) -> str:
    counts = Counter(
        group.source for part in (material.training, material.held_out) for group in part
    )
    rows = [
        f"| {source_name(choice)} | {counts[source_name(choice)]} | "
        f"{'held out' if choice.held_out else f'{choice.weight:g}'} | "
        f"{choice.licence or 'not stated'} | {choice.origin} |"
        for choice in recipe.source
    ]
    digests = ", ".join(f"{each.name} {each.digest[:12]}" for each in material.judged)
    return "\n".join(
        [
            "## Data\n",
            "Queries whose answer retrieval finds, with the passages that it finds beside.\n",
            "| source | queries | weight | licence | origin |",
            "|---|---|---|---|---|",
            *rows,
            f"\nCorpora (SHA-256): {digests}.\n",
        ]
    )


def _figures(material: Material, curve: Sequence[Point]) -> str:
    rows = [
        f"| {point.step} | {point.share:g} | {point.held_out.prior:.4f} | "
        f"{point.held_out.alone:.4f} | {point.held_out.blended:.4f} | "
        f"{point.held_out.prior_scale:g} |"
        for point in curve
    ]
    best = best_point(curve)
    return "\n".join(
        [
            "## Figures\n",
            f"nDCG@10 on {len(material.held_out)} held-out queries; step 0 is the model before "
            "training, and a share below 1 lies so far from its weights to those of the step.\n",
            "| step | share | order before | model alone | blended | prior's scale |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            _UNTRAINED if best.step == 0 else _kept(best),
        ]
    )


def _kept(best: Point) -> str:
    part = "" if best.share == 1 else f", share {best.share:g} of what it learned"
    return f"Kept: step {best.step}{part}.\n"


def _versions() -> str:
    used = ", ".join(f"{name} {version(name)}" for name in _TRAINED_WITH)
    return f"Trained with {used}.\n"

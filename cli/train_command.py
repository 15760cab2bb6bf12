"""``winnow train``: the recipe from a file and the command line, then one run of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from cli.console import say
from cli.progress import steps
from cli.running import run
from evaluation.training.libraries import require_torch
from evaluation.training.recipe import Recipe, SourceChoice, read_recipe_file
from evaluation.training.train import Trained, learn, prepare
from services.settings import Settings


@dataclass(frozen=True, slots=True)
class Choices:
    """What the command line says.

    Attributes:
        sources: paths of judgments; recipe: a file that names them and everything else.
        root: what a recipe's paths are below.
        changes: of the recipe's training, by name; None leaves it.
        late: train the bi-encoder's token projection instead of a cross-encoder.
    """

    out: Path
    sources: Sequence[str]
    recipe: Path | None
    root: Path
    split: str
    documents: str
    base: str | None
    late: bool
    changes: dict[str, Any]


def perform(settings: Settings, choices: Choices) -> Trained:
    """Mine, train and write; what an interrupted run left is taken up again.

    Raises:
        InvalidInput: the recipe or the judgments are wrong.
        ModelUnavailable: torch or a model is missing.
    """
    require_torch()
    recipe = recipe_from(choices)
    out = choices.out.expanduser().resolve()
    work = out.with_name(out.name + ".work")
    with steps() as shown:
        material = run(prepare(settings, recipe, choices.root, work, shown.show))
        if choices.late:
            from evaluation.training.late import learn_projection

            return learn_projection(settings, recipe, material, work, out, shown.show)
        return learn(settings, recipe, material, work, out, shown.show)


def recipe_from(choices: Choices) -> Recipe:
    """The file's recipe, or the default one, with what the command line changes."""
    recipe = read_recipe_file(choices.recipe) if choices.recipe else Recipe()
    given: dict[str, Any] = {}
    if choices.sources:
        given["source"] = tuple(
            SourceChoice(path=path, split=choices.split, documents=choices.documents)
            for path in choices.sources
        )
    if choices.base is not None:
        given["base"] = choices.base
    if not choices.recipe:
        given["name"] = choices.out.name
    changes = {name: value for name, value in choices.changes.items() if value is not None}
    given["training"] = recipe.training.model_copy(update=changes)
    return recipe.model_copy(update=given)


def figures(trained: Trained) -> dict[str, object]:
    """What ``--json`` prints."""
    return {
        "folder": str(trained.folder),
        "queries": trained.queries,
        "examples": trained.examples,
        "held_out": trained.held_out,
        "prior_scale": trained.prior_scale,
        "curve": [
            {
                "step": point.step,
                "share": point.share,
                "prior": round(point.held_out.prior, 4),
                "alone": round(point.held_out.alone, 4),
                "blended": round(point.held_out.blended, 4),
            }
            for point in trained.curve
        ],
    }


def show(trained: Trained, console: Console) -> None:
    """The dev curve for people, and what to do with the model."""
    title = f"nDCG@10 on {trained.held_out} held-out queries"
    shown = Table("step", "share", "order before", "model alone", "blended", title=title)
    for point in trained.curve:
        held_out = point.held_out
        shown.add_row(
            str(point.step),
            f"{point.share:g}",
            f"{held_out.prior:.3f}",
            f"{held_out.alone:.3f}",
            f"{held_out.blended:.3f}",
        )
    console.print(shown)
    say(f"Written to {trained.folder}: WINNOW_CROSS_ENCODER={trained.folder}")

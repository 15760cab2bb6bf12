"""``winnow train``: from judgments to a model's folder.

Every step leaves its result in the work folder, and a run that was stopped goes on from the
last of them: mined groups by corpus, then the trainer's checkpoints.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.stores import OnProgress, share_model_notes
from evaluation.training.groups import Group, read_groups, write_groups
from evaluation.training.guards import Guard
from evaluation.training.judged import Judged
from evaluation.training.libraries import quieten, require_torch
from evaluation.training.mining import mine
from evaluation.training.recipe import Recipe
from evaluation.training.sampling import Sampling, draw, split
from evaluation.training.sources import read_sources, source_name
from services.assembly import open_services
from services.errors import InvalidInput
from services.settings import Settings

if TYPE_CHECKING:
    from evaluation.training.fine_tuning import Point


@dataclass(frozen=True, slots=True)
class Material:
    """What a run learns from.

    Attributes:
        judged: the sources' judgments by corpus.
        training, held_out: their groups.
    """

    judged: Sequence[Judged]
    training: Sequence[Group]
    held_out: Sequence[Group]


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished run.

    Attributes:
        folder: what ``WINNOW_CROSS_ENCODER`` takes.
        curve: the dev curve; its first point is the model before training.
        prior_scale: how the order before counts beside the logits; None: not at all.
    """

    folder: Path
    queries: int
    examples: int
    held_out: int
    curve: "Sequence[Point]"
    prior_scale: float | None


async def prepare(
    settings: Settings, recipe: Recipe, root: Path, work: Path, progress: OnProgress
) -> Material:
    """Read the sources and mine them, taking what an earlier run in ``work`` mined.

    Raises:
        InvalidInput: the sources hold nothing to learn from.
        ModelUnavailable: there is no bi-encoder to mine with.
    """
    judged = read_sources(recipe.source, root)
    groups: list[Group] = []
    for corpus in judged:
        groups += await _groups(settings, recipe, corpus, work, progress)
    training, held_out = split(groups, sampling_of(recipe))
    if not training or not held_out:
        raise InvalidInput(
            f"Retrieval found the answers of {len(groups)} queries, of which "
            f"{len(held_out)} would be held out: too few to train on."
        )
    return Material(judged, training, held_out)


def sampling_of(recipe: Recipe) -> Sampling:
    """How a recipe draws its examples."""
    training = recipe.training
    return Sampling(
        answers=training.answers,
        negatives=training.negatives,
        dev_share=training.dev_share,
        dev_sources=frozenset(source_name(each) for each in recipe.source if each.held_out),
        dev_limit=training.dev_limit,
        easy_share=training.easy_share,
    )


async def _groups(
    settings: Settings, recipe: Recipe, judged: Judged, work: Path, progress: OnProgress
) -> list[Group]:
    chosen = json.dumps([judged.digest, recipe.mining.model_dump(), settings.bi_encoder])
    name = hashlib.sha256(chosen.encode()).hexdigest()[:16]
    kept = work / "mined" / f"{name}.jsonl"
    if not kept.is_file():
        own = Settings.model_construct(
            **(settings.model_dump() | {"data_dir": work / "index", "cross_encoder": ""})
        )
        share_model_notes(settings, own)
        guard = Guard(recipe.mining.shared, recipe.mining.ceiling)
        async with open_services(own) as services:
            mined = await mine(services, judged, guard, recipe.mining.deepest_answer, progress)
        write_groups(kept, mined)
    # A source's weight is no part of what was mined: it may change between runs.
    weights = {query.source: query.weight for query in judged.queries}
    return [replace(group, weight=weights[group.source]) for group in read_groups(kept)]


def learn(
    settings: Settings,
    recipe: Recipe,
    material: Material,
    work: Path,
    out: Path,
    progress: OnProgress,
) -> Trained:
    """Train on what was prepared and write the model's folder.

    Raises:
        ModelUnavailable: the base or the teacher is not to be had.
    """
    require_torch()
    quieten()
    from transformers import set_seed

    from evaluation.training.fine_tuning import Examples, Schedule, fine_tune
    from evaluation.training.finishing import finish
    from evaluation.training.losses import Objective
    from evaluation.training.rerankers import open_base
    from evaluation.training.teaching import teach
    from services.models.finding import find_model

    training = recipe.training
    base = find_model(recipe.base, settings)
    set_seed(training.seed)
    steps = steps_of(len(material.training), recipe)
    examples = draw(
        material.training, steps * training.groups_per_step, sampling_of(recipe), training.seed
    )
    model = open_base(
        base,
        work / "begun",
        crossing_layers=training.crossing_layers,
        frozen_layers=training.frozen_layers,
        max_tokens=training.max_tokens,
    )
    taught = teach(settings, training.teacher, examples)
    curve = fine_tune(
        model,
        Examples(examples, material.held_out, taught),
        Objective(
            prior_scale=training.objective_prior_scale,
            alone=training.objective_alone,
            teaching=training.teaching if taught else 0.0,
        ),
        Schedule(
            steps=steps,
            groups_per_step=training.groups_per_step,
            learning_rate=training.learning_rate,
            evaluations=training.evaluations,
            seed=training.seed,
            shares=training.shares,
        ),
        work,
        lambda done, total: progress("Training", done, total),
    )
    prior_scale = finish(model, recipe, base, material, curve, out)
    return Trained(
        folder=out,
        queries=len(material.training),
        examples=len(examples),
        held_out=len(material.held_out),
        curve=curve,
        prior_scale=prior_scale,
    )


def steps_of(queries: int, recipe: Recipe) -> int:
    """How many updates a recipe makes over so many queries."""
    training = recipe.training
    return training.steps or max(1, round(training.epochs * queries / training.groups_per_step))

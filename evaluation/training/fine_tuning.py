"""One training run by sentence-transformers' trainer: resumable, seeded, with a dev curve."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from sentence_transformers import CrossEncoder
from sentence_transformers.base.evaluation import BaseEvaluator
from sentence_transformers.cross_encoder import (
    CrossEncoderTrainer,
    CrossEncoderTrainingArguments,
)
from torch import Tensor
from transformers import PrinterCallback, TrainerCallback, set_seed
from transformers.trainer_utils import get_last_checkpoint

from evaluation.training.groups import Group
from evaluation.training.held_out import HeldOut, judge
from evaluation.training.losses import ListwiseLoss, Objective

OnStep = Callable[[int, int], None]
"""Told how many steps are done, and of how many."""

# What begins new learns faster than what begins trained, and a bias or a scale that has some
# units to go needs a rate that gets it there.
# The encoder's own layers have parts of these names too, so each is named from its module on.
_FACTORS = {
    r"scorer\.(token_weight|dense\.)|classifier\.": 10.0,
    r"scorer\.(crossing|scales)": 100.0,
}
_SCORING_PAIRS = 32

LEAST_GAIN = 0.005
"""nDCG that training must gain on the held-out queries to be kept: less is within their noise."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast.

    Attributes:
        groups_per_step: examples of one update.
        evaluations: points of the dev curve, each a checkpoint that a later run resumes from.
        shares: of what was learned at the best of them, also measured: weights that lie so
            far from the start to there (WiSE-FT, Wortsman et al. 2022, arXiv 2109.01903).
    """

    steps: int
    groups_per_step: int = 4
    learning_rate: float = 3e-5
    warmup: float = 0.1
    evaluations: int = 4
    seed: int = 1
    shares: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Examples:
    """What is learned from, and what is held out to measure by.

    Attributes:
        taught: a teacher's logits of the training groups' passages; None without one.
    """

    training: Sequence[Group]
    held_out: Sequence[Group]
    taught: Sequence[Sequence[float]] | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the dev curve.

    Attributes:
        share: of the way from the start's weights to those of ``step``.
    """

    step: int
    held_out: HeldOut
    share: float = 1.0


def best_point(curve: Sequence[Point]) -> Point:
    """The highest point; the first one unless another is higher by :data:`LEAST_GAIN`."""
    highest = max(curve, key=lambda point: point.held_out.blended)
    gained = highest.held_out.blended - curve[0].held_out.blended
    return highest if gained >= LEAST_GAIN else curve[0]


class _DevCurve(BaseEvaluator):
    """Measures the held-out groups whenever the trainer asks, and remembers."""

    def __init__(self, groups: Sequence[Group], least_scale: float, file: Path) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.primary_metric = "blended"
        self.points = _read_points(file)
        self._groups = groups
        self._least_scale = least_scale
        self._file = file
        self.step = 0

    def resume(self, step: int) -> None:
        """Forget what an earlier run measured after the checkpoint that is gone on from."""
        self.step = step
        self.points = [point for point in self.points if point.step <= step and point.share == 1.0]

    def __call__(  # type: ignore[override]  # cross-encoders alone
        self, model: CrossEncoder, *_: Any, **__: Any
    ) -> dict[str, float]:
        held_out = self.measure(model, self.step)
        return {"blended": held_out.blended, "alone": held_out.alone, "prior": held_out.prior}

    def measure(self, model: CrossEncoder, step: int, share: float = 1.0) -> HeldOut:
        """Judge the model and add the point to the curve and its file."""
        held_out = judge(self._groups, scorer(model), self._least_scale)
        self.points.append(Point(step, held_out, share))
        lines = [json.dumps(asdict(point)) + "\n" for point in self.points]
        self._file.write_text("".join(lines), "utf-8")
        return held_out


def _read_points(file: Path) -> list[Point]:
    if not file.is_file():
        return []
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    return [Point(row["step"], HeldOut(**row["held_out"]), row.get("share", 1.0)) for row in rows]


class _Reporting(TrainerCallback):
    def __init__(self, on_step: OnStep, curve: _DevCurve) -> None:
        self._on_step = on_step
        self._curve = curve

    def on_step_end(  # type: ignore[override]  # called with names for what it ignores
        self, _arguments: Any, state: Any, *_: Any, **__: Any
    ) -> None:
        self._curve.step = state.global_step
        self._on_step(state.global_step, state.max_steps)


class _Trainer(CrossEncoderTrainer):
    """Without the package's own model card, which would repeat the training texts."""

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Winnow writes the card (:mod:`evaluation.training.card`)."""


def scorer(model: CrossEncoder) -> Callable[[Sequence[tuple[str, str]]], Sequence[float]]:
    """The model's logits of pairs, in bf16 where that is quick."""

    def score(pairs: Sequence[tuple[str, str]]) -> Sequence[float]:
        with torch.autocast(model.device.type, dtype=torch.bfloat16):
            scores = model.predict(
                list(pairs),
                batch_size=_SCORING_PAIRS,
                show_progress_bar=False,
                activation_fn=torch.nn.Identity(),
                convert_to_tensor=True,
            )
        values: list[float] = scores.float().reshape(-1).tolist()
        return values

    return score


def fine_tune(
    model: CrossEncoder,
    examples: Examples,
    objective: Objective,
    schedule: Schedule,
    work: Path,
    on_step: OnStep,
) -> list[Point]:
    """Train in place, going on where an earlier run in ``work`` stopped.

    The model that comes out is that of :func:`best_point`; where no checkpoint is better
    than the model was, it stays what it was.
    """
    set_seed(schedule.seed)
    checkpoints = work / "checkpoints"
    arguments = _arguments(checkpoints, schedule, rates_of(model, schedule.learning_rate))
    work.mkdir(parents=True, exist_ok=True)
    curve = _DevCurve(examples.held_out, objective.prior_scale, work / "curve.jsonl")
    trainer = _Trainer(
        model=model,
        args=arguments,
        train_dataset=_dataset(examples),
        loss=ListwiseLoss(model, objective),
        evaluator=curve,
        callbacks=[_Reporting(on_step, curve)],
    )
    trainer.remove_callback(PrinterCallback)
    last = get_last_checkpoint(str(checkpoints)) if checkpoints.is_dir() else None  # type: ignore[no-untyped-call]
    curve.resume(_step_of(last))
    if not curve.points:
        curve(model)
    before = {name: values.clone() for name, values in model.state_dict().items()}
    trainer.train(resume_from_checkpoint=last)
    _settle(model, before, curve, schedule.shares)
    return curve.points


def _settle(
    model: CrossEncoder, before: Mapping[str, Tensor], curve: _DevCurve, shares: Sequence[float]
) -> None:
    """Measure what lies between the start and the best checkpoint, and load the best of all."""
    trained = {name: values.clone() for name, values in model.state_dict().items()}
    step = max(curve.points[1:], key=lambda point: point.held_out.blended).step
    for share in shares:
        model.load_state_dict(between(before, trained, share))
        curve.measure(model, step, share)
    best = best_point(curve.points)
    model.load_state_dict(between(before, trained, best.share if best.step else 0.0))


def between(
    start: Mapping[str, Tensor], end: Mapping[str, Tensor], share: float
) -> dict[str, Tensor]:
    """Weights that lie ``share`` of the way from one model to another of the same shapes."""
    return {
        name: torch.lerp(values, end[name], share) if values.is_floating_point() else values
        for name, values in start.items()
    }


def _step_of(checkpoint: str | None) -> int:
    """The updates behind a checkpoint, which the trainer writes into its folder's name."""
    return int(checkpoint.rpartition("-")[2]) if checkpoint else 0


def rates_of(model: CrossEncoder, learning_rate: float) -> dict[str, float]:
    """The rates of the parts that begin new, by the pattern that their names match."""
    names = [name for name, _ in model.named_parameters()]
    return {
        pattern: learning_rate * factor
        for pattern, factor in _FACTORS.items()
        if any(re.search(pattern, name) for name in names)
    }


def _arguments(
    checkpoints: Path, schedule: Schedule, rates: dict[str, float]
) -> CrossEncoderTrainingArguments:
    every = max(1, schedule.steps // schedule.evaluations)
    return CrossEncoderTrainingArguments(
        output_dir=str(checkpoints),
        max_steps=schedule.steps,
        per_device_train_batch_size=schedule.groups_per_step,
        learning_rate=schedule.learning_rate,
        learning_rate_mapping=rates,
        warmup_steps=max(1, round(schedule.steps * schedule.warmup)),
        lr_scheduler_type="linear",
        weight_decay=0.01,
        bf16=True,
        use_cpu=not torch.cuda.is_available(),
        seed=schedule.seed,
        data_seed=schedule.seed,
        eval_strategy="steps",
        eval_steps=every,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="eval_blended",
        greater_is_better=True,
        logging_steps=max(1, every // 4),
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )


def _dataset(examples: Examples) -> Dataset:
    groups = examples.training
    columns: dict[str, list[Any]] = {
        "query": [group.query for group in groups],
        "passages": [[passage.text for passage in group.passages] for group in groups],
        "priors": [[passage.prior for passage in group.passages] for group in groups],
        "label": [[float(grade) for grade in group.grades] for group in groups],
    }
    if examples.taught is not None:
        columns["taught"] = [list(logits) for logits in examples.taught]
    return Dataset.from_dict(columns)

"""A whole run: on pairs, from a small model, in a few steps."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from evaluation.training.held_out import judge
from evaluation.training.recipe import Recipe, SourceChoice, Training
from evaluation.training.train import Trained, learn, prepare
from services.models.loading import load_bi_encoder, load_cross_encoder
from services.ports.models import Passage
from services.settings import Settings
from tests.conftest import Winnow
from tests.training.pairs import write_pairs

pytestmark = [
    pytest.mark.slow,
    # The trainer's own libraries warn of one another.
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.timeout(600),
]

BASE = Path(__file__).parents[1] / "fixtures" / "tiny-cross-encoder"


def _recipe(base: Path = BASE, **training: object) -> Recipe:
    few: dict[str, object] = {
        "steps": 6,
        "evaluations": 3,
        "groups_per_step": 2,
        "negatives": 3,
        "learning_rate": 1e-3,
        "dev_share": 0.2,
        "easy_share": 1.0,
        "max_tokens": 48,
        "served_tokens": 64,
        "prior_scale": 0.5,
        "frozen_layers": 0,
        "crossing_layers": 1,
    }
    return Recipe(
        name="tiny",
        licence="apache-2.0",
        languages=("en",),
        base=str(base),
        quantised=True,
        source=(SourceChoice(path="pairs.jsonl", licence="CC0"),),
        training=Training(**few | training),  # type: ignore[arg-type]
    )


def _settings(tmp_path: Path, **more: object) -> Settings:
    given: dict[str, object] = {
        "data_dir": tmp_path / "data",
        "bi_encoder": "hashing",
        "hub": False,
        "precision": "fp32",
        "threads": 1,
    }
    return Settings(**given | more)  # type: ignore[arg-type]


class _Stopped(Exception):
    """Ends a run in the middle, as a signal would."""


async def _train(tmp_path: Path, recipe: Recipe, stop_at: int = 0) -> Trained:
    write_pairs(tmp_path)
    settings = _settings(tmp_path)
    work = tmp_path / "work"

    def progress(activity: str, done: int, _total: int) -> None:
        if activity == "Training" and done == stop_at:
            raise _Stopped

    material = await prepare(settings, recipe, tmp_path, work, progress)
    return learn(settings, recipe, material, work, tmp_path / "out", progress)


async def test_a_trained_model_is_a_folder_that_searches_take(tmp_path: Path) -> None:
    """Weights in int8, a card with data and figures, the recipe, and the blend."""
    trained = await _train(tmp_path, _recipe())
    assert [point.step for point in trained.curve] == [0, 2, 4, 6]
    assert trained.prior_scale == 0.5
    out = trained.folder
    assert (out / "model.safetensors").stat().st_size < 600_000
    card = (out / "README.md").read_text()
    assert "license: apache-2.0" in card
    assert "| pairs | " in card
    assert "| CC0 |" in card
    assert Recipe.model_validate_json((out / "recipe.json").read_text()) == _recipe()
    model = load_cross_encoder(_settings(tmp_path, cross_encoder=str(out)))
    assert (model.card.prior_scale, model.card.languages) == (0.5, {"en"})
    assert model.card.max_tokens == 64
    pair = ("where the river flows", Passage("The river flows."))
    assert model.score([pair]).logits.shape == (1,)


async def test_another_weight_mines_nothing_anew(tmp_path: Path) -> None:
    """What is kept of an earlier run takes the weights of this one."""
    write_pairs(tmp_path)
    recipe = _recipe()
    work = tmp_path / "work"
    await prepare(_settings(tmp_path), recipe, tmp_path, work, lambda *_: None)
    mined = next((work / "mined").glob("*.jsonl"))
    written_ns = mined.stat().st_mtime_ns
    heavier = recipe.model_copy(update={"source": (SourceChoice(path="pairs.jsonl", weight=3.0),)})
    material = await prepare(_settings(tmp_path), heavier, tmp_path, work, lambda *_: None)
    assert mined.stat().st_mtime_ns == written_ns
    assert {group.weight for group in material.training} == {3.0}


async def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path) -> None:
    """Nothing is mined again, the dev curve has every point once, the model is the same."""
    with pytest.raises(_Stopped):
        await _train(tmp_path, _recipe(), stop_at=5)
    mined = next((tmp_path / "work" / "mined").glob("*.jsonl"))
    written_ns = mined.stat().st_mtime_ns
    resumed = await _train(tmp_path, _recipe())
    assert mined.stat().st_mtime_ns == written_ns
    assert [point.step for point in resumed.curve] == [0, 2, 4, 6]
    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    whole = await _train(undisturbed, _recipe())
    for one, other in zip(resumed.curve, whole.curve, strict=True):
        assert one.held_out.alone == pytest.approx(other.held_out.alone, abs=0.02)


async def test_a_bi_encoder_becomes_a_cross_encoder(tmp_path: Path, small_bi_encoder: Path) -> None:
    """Its own teacher is the order before; the held-out queries choose the blend."""
    recipe = _recipe(small_bi_encoder, steps=2, evaluations=1, teacher="prior", prior_scale="dev")
    trained = await _train(tmp_path, recipe)
    assert trained.prior_scale is not None
    config = json.loads((trained.folder / "config.json").read_text())
    assert config["winnow_interaction"] == {"crossing_layers": 1}
    model = load_cross_encoder(_settings(tmp_path, cross_encoder=str(trained.folder)))
    assert model.card.prior_scale == trained.prior_scale


def test_a_seed_begins_the_same_model(tmp_path: Path, small_bi_encoder: Path) -> None:
    """The new head's first weights too: a run can be repeated."""
    begun = []
    for name in ("one", "other"):
        folder = tmp_path / name
        folder.mkdir()
        asyncio.run(_train(folder, _recipe(small_bi_encoder, steps=1, evaluations=1)))
        begun.append((folder / "work" / "begun" / "model.safetensors").read_bytes())
    assert begun[0] == begun[1]


async def test_the_folder_holds_the_best_of_what_was_measured(tmp_path: Path) -> None:
    """Parts of what was learned are measured too, and what is written is the best of all."""
    from sentence_transformers import CrossEncoder

    from evaluation.training.fine_tuning import best_point, scorer

    recipe = _recipe(shares=(0.25, 0.5)).model_copy(update={"quantised": False})
    trained = await _train(tmp_path, recipe)
    assert [point.share for point in trained.curve] == [1, 1, 1, 1, 0.25, 0.5]
    best = best_point(trained.curve)
    settings, work = _settings(tmp_path), tmp_path / "work"
    material = await prepare(settings, recipe, tmp_path, work, lambda *_: None)
    model = CrossEncoder(str(trained.folder), max_length=48, device="cpu")
    measured = judge(material.held_out, scorer(model), recipe.training.objective_prior_scale)
    assert measured.alone == pytest.approx(best.held_out.alone, abs=0.01)
    assert measured.blended == pytest.approx(best.held_out.blended, abs=0.01)


def test_weights_between_two_models() -> None:
    """Straight from one to the other; whole numbers, such as positions, stay."""
    from torch import tensor

    from evaluation.training.fine_tuning import between

    start = {"weight": tensor([0.0, 4.0]), "positions": tensor([0, 1])}
    end = {"weight": tensor([1.0, 0.0]), "positions": tensor([0, 1])}
    quarter = between(start, end, 0.25)
    assert quarter["weight"].tolist() == [0.25, 3.0]
    assert quarter["positions"].tolist() == [0, 1]
    assert between(start, end, 1.0)["weight"].tolist() == [1.0, 0.0]


def test_only_what_begins_new_learns_faster(small_bi_encoder: Path, tmp_path: Path) -> None:
    """The encoder's own layers, some of which are called dense as well, keep the low rate."""
    from evaluation.training.fine_tuning import rates_of
    from evaluation.training.rerankers import open_base
    from services.models.finding import find_model

    base = find_model(str(small_bi_encoder), _settings(tmp_path))
    model = open_base(base, tmp_path / "begun", crossing_layers=1, frozen_layers=0, max_tokens=48)
    rates = rates_of(model, 1e-5)
    faster = {
        name for name, _ in model.named_parameters() for part in rates if re.search(part, name)
    }
    assert {name.removeprefix("0.scorer.") for name in faster} == {
        "crossing", "token_weight", "scales",
        "dense.weight", "dense.bias", "classifier.weight", "classifier.bias",
    }  # fmt: skip
    assert max(rates.values()) == pytest.approx(1e-3)


async def test_late_writes_a_bi_encoder_with_its_own_projection(
    tmp_path: Path, small_bi_encoder: Path
) -> None:
    """The encoder's files, a matrix that its fingerprint names; a stopped run goes on."""
    from evaluation.training.late import learn_projection

    write_pairs(tmp_path)
    settings = _settings(tmp_path, token_dimensions=16)
    recipe = _recipe(small_bi_encoder)
    work, out = tmp_path / "work", tmp_path / "out"

    def stop(activity: str, done: int, _total: int) -> None:
        if activity == "Training" and done == 3:
            raise _Stopped

    material = await prepare(settings, recipe, tmp_path, work, stop)
    with pytest.raises(_Stopped):
        learn_projection(settings, recipe, material, work, out, stop)
    trained = learn_projection(settings, recipe, material, work, out, lambda *_: None)
    assert [point.step for point in trained.curve] == [2, 4, 6]
    encoder = load_bi_encoder(_settings(tmp_path, bi_encoder=str(out)))
    assert encoder.fingerprint.token_dimensions == 16
    assert encoder.fingerprint.token_projection


def test_a_run_without_sources_is_a_sentence(winnow: Winnow) -> None:
    """Said before anything is loaded or written."""
    done = winnow("train", "out", timeout_s=300)
    assert done.code == 2
    assert "nothing to learn from" in done.err
    assert not (winnow.folder / "out").exists()

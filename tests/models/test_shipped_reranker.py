"""The reranker that Winnow carries: whole, small, found last, and able to rank."""

import shutil
from pathlib import Path

import pytest
import yaml

from services.errors import ModelUnavailable
from services.models import shipped_reranker
from services.models.finding import MS_MARCO, find_model
from services.models.loading import load_cross_encoder
from services.models.notes import Notes
from services.ports.models import CrossEncoder, Passage
from tests.models.conftest import MakeSettings

LARGEST_BYTES = 25_000_000

QUESTIONS = {
    "how do I change my password": (
        "Open the account menu, choose Security, then Change password. Type the old one, then "
        "the new one twice, and save.",
        "Passwords are stored as salted hashes, and administrators cannot read them.",
    ),
    "who wrote the Odyssey": (
        "The Odyssey is an epic poem attributed to Homer.",
        "An odyssey of three weeks brought the lorry drivers across the continent.",
    ),
    "why do leaves turn red in autumn": (
        "As chlorophyll breaks down before winter, anthocyanins colour the leaves red.",
        "Raking leaves in autumn keeps the lawn from rotting under them.",
    ),
}


@pytest.fixture(scope="module")
def model(make_settings: MakeSettings) -> CrossEncoder:
    """As the default cross-encoder is found where no hub answers."""
    return load_cross_encoder(make_settings(cross_encoder=MS_MARCO))


def test_it_stands_in_for_the_default_under_its_own_name(model: CrossEncoder) -> None:
    """With the digest that is pinned, for English, blended, and only where asked for."""
    assert model.card.name == shipped_reranker.NAME
    assert model.card.revision == shipped_reranker.WEIGHTS_SHA256[:12]
    assert model.card.languages == {"en"}
    assert model.card.prior_scale is not None


def test_another_model_or_revision_is_never_replaced(make_settings: MakeSettings) -> None:
    """Who names a model gets that one or none."""
    for wanted in ("cross-encoder/ms-marco-MiniLM-L12-v2", f"{MS_MARCO}@refs/pr/1"):
        with pytest.raises(ModelUnavailable):
            find_model(wanted, make_settings())


def test_changed_weights_are_refused(tmp_path: Path) -> None:
    """A damaged installation says so instead of ranking strangely."""
    folder = tmp_path / "offline_reranker"
    shutil.copytree(shipped_reranker.FOLDER, folder)
    with (folder / "model.safetensors").open("ab") as weights:
        weights.write(b"\0")
    path, reason = shipped_reranker.find_shipped(Notes(tmp_path / "notes"), folder)
    assert path is None
    assert "was changed" in reason


def test_it_is_small_and_its_card_names_every_source() -> None:
    """With a licence each; none of the texts travels with it."""
    files = list(shipped_reranker.FOLDER.iterdir())
    assert sum(file.stat().st_size for file in files) <= LARGEST_BYTES
    card = (shipped_reranker.FOLDER / "README.md").read_text("utf-8")
    assert yaml.safe_load(card.split("---")[1])["license"] == "cc-by-sa-4.0"
    assert "not stated" not in card
    assert "| nq-litm | " in card


def test_it_puts_answers_before_what_only_shares_their_words(model: CrossEncoder) -> None:
    """The smallest thing to ask of a reranker."""
    for question, (answer, other) in QUESTIONS.items():
        pairs = [(question, Passage(text)) for text in (other, answer)]
        first, second = model.score(pairs).logits
        assert second > first, question

"""The cross-encoder kept with the tests is a real one: it ranks what it has never seen."""

from pathlib import Path

import numpy as np

from services.models.loading import load_cross_encoder
from services.ports.models import Passage
from tests.models.conftest import MakeSettings
from tests.models.docstring_pairs import make_examples, read_docstrings

FOLDER = Path(__file__).parents[1] / "fixtures" / "tiny-cross-encoder"
NEGATIVES = 9


def test_it_ranks_held_out_pairs(make_settings: MakeSettings) -> None:
    """Docstrings of modules that it was not trained on: chance would reach .29."""
    model = load_cross_encoder(make_settings(cross_encoder=str(FOLDER)))
    docstrings = [docstring for docstring in read_docstrings() if docstring.held_out]
    examples = make_examples(docstrings, NEGATIVES, seed=6)[:60]
    reciprocal_ranks = []
    for example in examples:
        passages = [Passage(text) for text in (example.positive, *example.negatives)]
        logits = model.score([(example.query, passage) for passage in passages]).logits
        reciprocal_ranks.append(1 / (1 + int((logits[1:] >= logits[0]).sum())))
    assert np.mean(reciprocal_ranks) > 0.6


def test_it_is_small() -> None:
    """It travels with the repository."""
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 4_000_000

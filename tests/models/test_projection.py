"""Short token vectors of the default bi-encoder."""

import numpy as np
import pytest

from services.errors import InvalidInput
from services.models.loading import load_bi_encoder
from services.ports.models import Passage
from tests.models.conftest import MakeModel, MakeSettings

PASSAGES = [
    Passage("The harbour pilot waits for high tide before the ship comes in."),
    Passage("A baker kneads the dough, lets it rise, and heats the oven."),
    Passage("Compilers turn source code into instructions for a processor."),
    Passage("The orchestra tunes its violins before the symphony begins."),
]
QUERIES = [
    "when can a vessel enter the port",
    "how is bread made",
    "translating programs for a machine",
    "musicians prepare for a concert",
]


def test_max_sim_over_short_tokens_finds_the_passage(make_settings: MakeSettings) -> None:
    """With 64 of 384 dimensions each question still finds its answer, without shared words."""
    encoder = load_bi_encoder(make_settings(token_dimensions=64))
    assert encoder.fingerprint.token_dimensions == 64
    assert encoder.fingerprint.token_projection
    passages = encoder.encode_passages(PASSAGES).tokens
    queries = encoder.encode_queries(QUERIES).tokens
    assert passages is not None
    assert queries is not None
    for place, query in enumerate(queries):
        scores = [float((query @ passage.T).max(1).mean()) for passage in passages]
        assert int(np.argmax(scores)) == place


def test_vectors_do_not_depend_on_token_vectors(make_settings: MakeSettings) -> None:
    """The second output changes nothing in the first."""
    plain = load_bi_encoder(make_settings()).encode_passages(PASSAGES).vectors
    both = load_bi_encoder(make_settings(token_dimensions=16)).encode_passages(PASSAGES).vectors
    np.testing.assert_allclose(plain, both, atol=1e-5)


def test_too_many_dimensions_are_refused(make_settings: MakeSettings) -> None:
    """The message says which setting to change."""
    with pytest.raises(InvalidInput, match="WINNOW_TOKEN_DIMENSIONS"):
        load_bi_encoder(make_settings(token_dimensions=65))


def test_a_model_without_a_projection_says_so(
    make_model: MakeModel, make_settings: MakeSettings
) -> None:
    """Rather than storing vectors of another size than asked for."""
    folder = make_model("Bert", task="Model")
    with pytest.raises(InvalidInput, match="make-token-projection"):
        load_bi_encoder(make_settings(bi_encoder=str(folder), token_dimensions=8))

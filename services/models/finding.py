"""Finds a model: a path, the hub's cache, the hub, what came with the installation."""

import hashlib
from pathlib import Path

from services.errors import ModelUnavailable
from services.models.folder import ModelFolder
from services.models.hub import HubModel, fetch, find_cached, is_offline
from services.models.notes import Notes
from services.models.offline_package import MODEL as MINILM
from services.models.offline_package import find_offline
from services.models.shipped_reranker import NAME as SHIPPED
from services.models.shipped_reranker import find_shipped
from services.models.weights import weight_files
from services.settings import Settings

MS_MARCO = "cross-encoder/ms-marco-MiniLM-L6-v2"

_SAME_MODEL = {"cross-encoder/ms-marco-MiniLM-L-6-v2": MS_MARCO}
_PINNED = {
    MINILM: "c9745ed1d9f207416be6d2e6f8de32d1f16199bf",
    MS_MARCO: "c5ee24cb16019beea0893ab7796b1df96625c6b8",
}
_REVISION_LENGTH = 12
_EXPORTS = ("openvino/openvino_model.xml", "onnx/model.onnx")


def find_model(wanted: str, settings: Settings) -> ModelFolder:
    """Find a model's folder.

    Args:
        wanted: a path, or a name on the hub, which "@" and a revision may follow.

    Raises:
        ModelUnavailable: it is nowhere to be had; says what was tried.
    """
    notes = Notes(settings.data_path / "models")
    local = Path(wanted).expanduser()
    if local.is_dir():
        place = local.resolve()
        folder = _described(place, place.name, "path", notes)
        notes.remember_origin(folder.name, folder.revision, str(place))
        return folder
    if wanted.startswith(("/", ".", "~")) or "\\" in wanted:
        raise ModelUnavailable(f"There is no model folder {wanted}: correct the path.")
    repository, _, revision = wanted.partition("@")
    name = _SAME_MODEL.get(repository, repository)
    revision = revision or _PINNED.get(name, "main")
    path, source, tried = _search(name, revision, settings, notes)
    if path is None and (name, revision) == (MS_MARCO, _PINNED[MS_MARCO]):
        path, reason = find_shipped(notes)
        name, source, tried = SHIPPED, "this installation", [*tried, reason]
    if path is None:
        raise ModelUnavailable(
            f"The model {name} is not to be had: {'; '.join(tried)}. "
            "Set the model to a folder that holds it, or start Winnow once where the hub answers."
        )
    folder = _described(path, name, source, notes)
    notes.remember_origin(folder.name, folder.revision, wanted)
    return folder


def _search(
    name: str, revision: str, settings: Settings, notes: Notes
) -> tuple[Path | None, str, list[str]]:
    """The folder, where it was found, and why each earlier place had none."""
    tried = ["it is no folder here", "it is not in the hub's cache"]
    aliases = [name, *(alias for alias, same in _SAME_MODEL.items() if same == name)]
    for alias in aliases:
        # Another commit in the cache is better than none, where none was asked for.
        for known in (revision, "main"):
            cached = find_cached(HubModel(alias, known))
            if cached is not None:
                return cached, "hub cache", tried
    path: Path | None = None
    if not settings.hub or is_offline():
        tried.append("asking the hub is switched off")
    else:
        path, reason = fetch(HubModel(name, revision), notes)
        tried.append(reason)
    if path is not None:
        return path, "hub", tried
    path, reason = find_offline(name, notes)
    return path, "offline package", [*tried, reason]


def _described(path: Path, name: str, source: str, notes: Notes) -> ModelFolder:
    files = weight_files(path) or [path / file for file in _EXPORTS if (path / file).is_file()]
    if not files or not (path / "config.json").is_file():
        raise ModelUnavailable(
            f"The folder of {name} ({path}) holds no config.json with model.safetensors "
            "(or an OpenVINO or ONNX file): fetch the model again, or name another."
        )
    digests = [notes.sha256(file) for file in files]
    digest = digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode())
    revision = digest if isinstance(digest, str) else digest.hexdigest()
    return ModelFolder(path, name, revision[:_REVISION_LENGTH], source)

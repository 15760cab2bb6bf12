"""Models of the Hugging Face hub: looked up in its cache, then fetched.

The cache is read by its documented layout
(https://huggingface.co/docs/huggingface_hub/guides/manage-cache), since importing the
client takes longer than loading a model.
"""

import os
import threading
from dataclasses import dataclass
from pathlib import Path

from services.models.notes import Notes

PATIENCE_S = 5.0

_FILES = (
    "*.json",
    "*.txt",
    "README.md",
    "1_Pooling/*",
    "*.safetensors",
    "onnx/model.onnx",
    "openvino/openvino_model.*",
)
_ASKING = threading.Lock()


@dataclass(frozen=True, slots=True)
class HubModel:
    """A repository of the hub at one revision (a commit, a tag or a branch)."""

    repository: str
    revision: str


def endpoint() -> str:
    """The hub's address: ``HF_ENDPOINT`` or the public one."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or "https://huggingface.co"


def is_offline() -> bool:
    """Whether the hub's own switch, ``HF_HUB_OFFLINE``, forbids asking it."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}


def cache_folder() -> Path:
    """Where the hub's client keeps what it fetched."""
    home = os.environ.get("HF_HOME") or str(
        Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    )
    return Path(os.environ.get("HF_HUB_CACHE") or str(Path(home) / "hub")).expanduser()


def find_cached(model: HubModel) -> Path | None:
    """The folder of a fetched revision, or None where it is not (wholly) in the cache."""
    repository = cache_folder() / ("models--" + model.repository.replace("/", "--"))
    reference = repository / "refs" / model.revision
    try:
        commit = reference.read_text("utf-8").strip() if reference.is_file() else model.revision
    except OSError:
        return None
    snapshot = repository / "snapshots" / commit
    complete = (snapshot / "config.json").exists() and (snapshot / "tokenizer.json").exists()
    return snapshot if complete else None


def fetch(model: HubModel, notes: Notes) -> tuple[Path | None, str]:
    """Fetch a model, and return its folder or the reason why there is none.

    A hub that does not answer costs ``PATIENCE_S`` seconds in all, for however many
    models are asked for at once, and is not asked again for an hour.
    """
    with _ASKING:
        known = notes.hub_failure(endpoint())
        if known:
            return None, f"{known} (not asked again for an hour after that)"
        silence, reason = _ask(model)
        if silence:
            notes.remember_hub_failure(endpoint(), reason)
        if reason:
            return None, reason
    return _download(model)


def _ask(model: HubModel) -> tuple[bool, str]:
    """Whether the hub kept silent, and why the model cannot be had ("" if it can)."""
    outcome: list[tuple[bool, str]] = []

    def ask() -> None:
        from huggingface_hub import HfApi  # takes a third of a second
        from huggingface_hub.errors import HfHubHTTPError

        try:
            hub = HfApi(endpoint=endpoint())
            hub.model_info(model.repository, revision=model.revision, timeout=PATIENCE_S)
        except HfHubHTTPError as error:
            status = getattr(error.response, "status_code", 0)
            refused = status in {401, 403, 404}
            outcome.append((not refused, f"{endpoint()} answered {status} for {model.repository}"))
        except Exception as error:  # noqa: BLE001  # the client raises many kinds
            outcome.append((True, f"{endpoint()} did not answer ({type(error).__name__})"))
        else:
            outcome.append((False, ""))

    # The client's time limits hold for each phase of a request; only a thread that nobody
    # waits for any longer bounds the whole.
    asking = threading.Thread(target=ask, name="winnow-hub", daemon=True)
    asking.start()
    asking.join(PATIENCE_S)
    return outcome[0] if outcome else (True, f"{endpoint()} did not answer in {PATIENCE_S:.0f} s")


def _download(model: HubModel) -> tuple[Path | None, str]:
    from huggingface_hub import snapshot_download  # as above

    try:
        folder = snapshot_download(
            model.repository,
            revision=model.revision,
            allow_patterns=list(_FILES),
            cache_dir=cache_folder(),
            endpoint=endpoint(),
        )
    except Exception as error:  # noqa: BLE001  # the client raises many kinds
        return None, f"fetching it from {endpoint()} failed ({type(error).__name__}: {error})"
    return Path(folder), ""

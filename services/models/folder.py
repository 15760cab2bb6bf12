"""What the files of a model's folder say about it, in sentence-transformers' layout."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from services.errors import ModelUnavailable

_UNLIMITED_TOKENS = 1_000_000
_POOLINGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model that was found on disk.

    Attributes:
        name: its canonical name on the hub, or the folder's name for a path.
        revision: beginning of the SHA-256 of its weights, so that the same weights have
            the same revision wherever they were found.
        source: where it was found, for people.
    """

    path: Path
    name: str
    revision: str
    source: str

    def json(self, file: str) -> Mapping[str, Any]:
        """A JSON object of the folder; empty where the file is missing."""
        return read_object(self.path / file)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a bi-encoder turns token states into a vector.

    Attributes:
        pooling: "mean", "cls", "max" or another mode's name.
        normalised: whether vectors are divided by their length.
        plain: whether there is nothing else (a dense layer, say) behind the encoder.
    """

    pooling: str
    normalised: bool
    plain: bool
    query_prefix: str = ""
    passage_prefix: str = ""


def read_recipe(folder: ModelFolder) -> Recipe:
    """Read modules.json, the pooling module's config.json and the prompts."""
    modules = _read_modules(folder.path)
    kinds = [str(module.get("type", "")).rpartition(".")[2] for module in modules]
    pooling = "mean"
    for module, kind in zip(modules, kinds, strict=True):
        if kind == "Pooling":
            pooling = _pooling(folder.json(f"{module.get('path', '1_Pooling')}/config.json"))
    prompts = folder.json("config_sentence_transformers.json").get("prompts") or {}
    return Recipe(
        pooling=pooling,
        normalised="Normalize" in kinds,
        plain=set(kinds) <= {"Transformer", "Pooling", "Normalize"},
        query_prefix=str(prompts.get("query") or ""),
        passage_prefix=str(prompts.get("document") or prompts.get("passage") or ""),
    )


def read_max_tokens(folder: ModelFolder, positions: int) -> int:
    """The longest input: the least of what module, tokenizer and position table allow."""
    limits = [
        folder.json("sentence_bert_config.json").get("max_seq_length"),
        folder.json("tokenizer_config.json").get("model_max_length"),
        positions,
    ]
    return min(int(limit) for limit in limits if limit and limit < _UNLIMITED_TOKENS)


def read_languages(folder: ModelFolder) -> frozenset[str]:
    """The languages that the model card's front matter names; empty where it names none."""
    card = folder.path / "README.md"
    if not card.is_file():
        return frozenset()
    text = card.read_text("utf-8", "replace")
    if not text.startswith("---"):
        return frozenset()
    try:
        front = yaml.safe_load(text[3:].partition("\n---")[0])
    except yaml.YAMLError:
        return frozenset()
    named = front.get("language") if isinstance(front, dict) else None
    languages = [named] if isinstance(named, str) else named
    if not isinstance(languages, list) or "multilingual" in languages:
        return frozenset()
    return frozenset(str(language).lower() for language in languages)


def _pooling(config: Mapping[str, Any]) -> str:
    mode = config.get("pooling_mode")
    modes = [mode] if isinstance(mode, str) else list(mode or ())
    modes = modes or [name for key, name in _POOLINGS.items() if config.get(key)]
    return "+".join(modes) or "mean"


def _read_modules(path: Path) -> Sequence[Mapping[str, Any]]:
    file = path / "modules.json"
    if not file.is_file():
        return ()
    modules = _load(file)
    if not isinstance(modules, list):
        raise ModelUnavailable(f"{file.name} of {path.name} is not a list: fetch the model again.")
    return modules


def read_object(file: Path) -> Mapping[str, Any]:
    """A JSON object from a file; empty where the file is missing or holds something else."""
    if not file.is_file():
        return {}
    content = _load(file)
    return content if isinstance(content, dict) else {}


def _load(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnavailable(
            f"{file.name} of the model in {file.parent.name} cannot be read ({error}): "
            "fetch the model again."
        ) from error

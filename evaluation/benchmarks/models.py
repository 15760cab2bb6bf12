"""The models that both sides of a benchmark run: the same weights from the same folder."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from services.errors import ModelUnavailable
from services.models.finding import find_model
from services.models.overlap import OVERLAP
from services.settings import Settings

_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
)


@dataclass(frozen=True, slots=True)
class CrossEncoderFolder:
    """A cross-encoder on disk.

    Attributes:
        description: for the table: which weights were used.
        trained: whether its scores mean anything, so that their order can be compared.
    """

    path: Path
    description: str
    trained: bool


def bi_encoder_folder(settings: Settings) -> Path:
    """Where the bi-encoder lies; raises ModelUnavailable."""
    return find_model(settings.bi_encoder, settings).path


def cross_encoder_folder(settings: Settings, aside: Path) -> CrossEncoderFolder:
    """The configured cross-encoder, or one of the default's size made from what is here.

    The default cross-encoder has the very architecture of the default bi-encoder. So where
    it is not to be had, the bi-encoder's layers under a random head cost the same per pair.

    Args:
        aside: an empty folder to make it in.
    """
    try:
        found = find_model(settings.cross_encoder, settings)
    except ModelUnavailable:
        return _made(settings, aside)
    return CrossEncoderFolder(found.path, found.name, True)


def plain_cross_encoder_folder(settings: Settings, aside: Path) -> CrossEncoderFolder:
    """As :func:`cross_encoder_folder`, but one that sentence-transformers reads too.

    The reranker that ships is an architecture of Winnow's own.
    """
    folder = cross_encoder_folder(settings, aside)
    configuration = json.loads((folder.path / "config.json").read_text("utf-8"))
    names = configuration.get("architectures") or ()
    plain = any(name.endswith("ForSequenceClassification") for name in names)
    return folder if plain or not folder.trained else _made(settings, aside)


def _made(settings: Settings, aside: Path) -> CrossEncoderFolder:
    _put_head_on(bi_encoder_folder(settings), aside)
    return CrossEncoderFolder(aside, f"layers of {settings.bi_encoder}, random head", False)


def cross_encoder_name(settings: Settings, aside: Path) -> str:
    """What WINNOW_CROSS_ENCODER names in a process that runs it; the stand-in stays itself."""
    if settings.cross_encoder == OVERLAP:
        return OVERLAP
    return str(cross_encoder_folder(settings, aside).path)


def small_cross_encoder_folder() -> CrossEncoderFolder:
    """The small trained cross-encoder of the tests, whose order of passages is no accident."""
    folder = Path(__file__).parents[2] / "tests" / "fixtures" / "tiny-cross-encoder"
    return CrossEncoderFolder(folder, folder.name, True)


def _put_head_on(body: Path, target: Path) -> None:
    """Write a sequence classifier of one logit: the body's layers, and a random head."""
    configuration = json.loads((body / "config.json").read_text("utf-8"))
    size = configuration["hidden_size"]
    chance = np.random.default_rng(0)
    layers = {
        f"bert.{name}": tensor
        for name, tensor in load_file(body / "model.safetensors").items()
        if not name.startswith("pooler.") and not name.endswith("position_ids")
    }
    head = {
        "bert.pooler.dense.weight": chance.normal(0, size**-0.5, (size, size)),
        "bert.pooler.dense.bias": np.zeros(size),
        "classifier.weight": chance.normal(0, size**-0.5, (1, size)),
        "classifier.bias": np.zeros(1),
    }
    target.mkdir(parents=True, exist_ok=True)
    weights = layers | {name: tensor.astype(np.float32) for name, tensor in head.items()}
    save_file(weights, target / "model.safetensors", {"format": "pt"})
    classifier = {
        "architectures": ["BertForSequenceClassification"],
        "id2label": {"0": "LABEL_0"},
        "label2id": {"LABEL_0": 0},
    }
    (target / "config.json").write_text(json.dumps(configuration | classifier), "utf-8")
    for name in _TOKENIZER_FILES:
        if (body / name).is_file():
            shutil.copyfile(body / name, target / name)

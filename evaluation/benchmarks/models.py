"""The models that both sides of a benchmark run: the same weights from the same folder."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from services.errors import ModelUnavailable
from services.models.finding import find_model
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
    """

    path: Path
    description: str


def bi_encoder_folder(settings: Settings) -> Path:
    """Where the bi-encoder lies; raises ModelUnavailable."""
    return find_model(settings.bi_encoder, settings).path


def cross_encoder_folder(settings: Settings, aside: Path) -> CrossEncoderFolder:
    """The configured cross-encoder, or one of the default's size made from what is here.

    The default cross-encoder has the very architecture of the default bi-encoder. So where
    it is not to be had, the bi-encoder's layers under a random head cost the same per pair
    and spread their scores by what they read, which random layers would not.

    Args:
        aside: an empty folder to make it in.
    """
    try:
        found = find_model(settings.cross_encoder, settings)
    except ModelUnavailable:
        body = bi_encoder_folder(settings)
        _put_head_on(body, aside)
        return CrossEncoderFolder(aside, f"layers of {settings.bi_encoder}, random head")
    return CrossEncoderFolder(found.path, found.name)


def _put_head_on(body: Path, target: Path) -> None:
    import torch
    from transformers import BertForSequenceClassification

    torch.manual_seed(0)
    model = BertForSequenceClassification.from_pretrained(body, num_labels=1)
    # A trained head separates; the default initialisation would hardly.
    torch.nn.init.normal_(model.classifier.weight, std=0.5)
    model.save_pretrained(target)
    for name in _TOKENIZER_FILES:
        if (body / name).is_file():
            shutil.copyfile(body / name, target / name)

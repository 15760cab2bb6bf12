"""An interaction cross-encoder as a folder: made from a bi-encoder's, written, read again."""

import json
import shutil
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, processors
from transformers import BertConfig, BertModel

from evaluation.training.interaction import InteractionScorer
from services.models.architecture import INTERACTION
from services.models.folder import ModelFolder, read_object, read_recipe

WEIGHTS = "model.safetensors"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")

_OWN = "interaction."


def starts_from(folder: ModelFolder) -> bool:
    """Whether the folder's model is one that an interaction cross-encoder can begin as."""
    config = folder.json("config.json")
    recipe = read_recipe(folder)
    return (
        config.get("model_type") == "bert"
        and (folder.path / "modules.json").is_file()
        and (recipe.pooling, recipe.plain) == ("mean", True)
        and not (recipe.query_prefix or recipe.passage_prefix)
    )


def is_interaction(folder: Path) -> bool:
    """Whether the folder holds one already."""
    return INTERACTION in read_object(folder / "config.json")


def begin(bi_encoder: Path, target: Path, *, crossing_layers: int, max_tokens: int) -> None:
    """Write the folder of a cross-encoder that still orders as the bi-encoder does."""
    target.mkdir(parents=True, exist_ok=True)
    bert = BertModel.from_pretrained(str(bi_encoder), add_pooling_layer=False)
    write(InteractionScorer(bert, crossing_layers), target)
    shutil.copyfile(bi_encoder / "tokenizer_config.json", target / "tokenizer_config.json")
    _limit(target, max_tokens)
    tokenizer = Tokenizer.from_file(str(bi_encoder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    # The passage has a start of its own, as when the bi-encoder reads it alone.
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] [CLS] $B:1 [SEP]:1",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )
    tokenizer.save(str(target / "tokenizer.json"))


def write(scorer: InteractionScorer, target: Path) -> None:
    """Write weights and configuration; the tokenizer's files stand beside them already."""
    target.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for name, tensor in scorer.state_dict().items():
        stored = name.removeprefix("bert.") if name.startswith("bert.") else _OWN + name
        tensors[stored] = tensor.detach().cpu().float().contiguous()
    save_file(tensors, str(target / WEIGHTS), metadata={"format": "pt"})
    config: dict[str, Any] = dict(read_object(target / "config.json"))
    config |= scorer.bert.config.to_diff_dict()
    config |= {"model_type": "bert", "architectures": None, "num_labels": 1}
    config[INTERACTION] = {"crossing_layers": len(scorer.crossing)}
    (target / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def read(folder: Path) -> InteractionScorer:
    """The scorer that a folder holds."""
    config = dict(read_object(folder / "config.json"))
    crossing_layers = int(config.pop(INTERACTION)["crossing_layers"])
    bert = BertModel(BertConfig(**config), add_pooling_layer=False)
    scorer = InteractionScorer(bert, crossing_layers)
    tensors = {
        name.removeprefix(_OWN) if name.startswith(_OWN) else f"bert.{name}": tensor
        for name, tensor in load_file(str(folder / WEIGHTS)).items()
    }
    scorer.load_state_dict(tensors, strict=True)
    return scorer.train(mode=False)


def _limit(folder: Path, max_tokens: int) -> None:
    file = folder / "tokenizer_config.json"
    fields = dict(read_object(file)) | {
        "model_max_length": max_tokens,
        "model_input_names": ["input_ids", "token_type_ids", "attention_mask"],
    }
    file.write_text(json.dumps(fields, indent=2, sort_keys=True) + "\n")

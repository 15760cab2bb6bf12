"""Models for the tests: the offline bi-encoder, and small ones with random weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from tokenizers.implementations import BertWordPieceTokenizer

from services.settings import Settings

TEXTS = [
    "Reranking reads the query and the passage together.",
    "A harbour pilot guides ships through narrow water; tides decide when.",
    "def open(path): return a file object, or raise OSError.",
    "Der Fluss trat über die Ufer. 雨が降りました。 Ünïcödé & emoji 🎣🌊!",
    "Numbers such as 3.14159 and 42 stand beside words, commas, and (brackets).",
] * 3

MakeSettings = Callable[..., Settings]
MakeModel = Callable[..., Path]


@pytest.fixture(scope="session")
def make_settings(tmp_path_factory: pytest.TempPathFactory) -> MakeSettings:
    """Settings over a data directory of this session, in fp32, that ask no hub."""
    data_dir = tmp_path_factory.mktemp("data")

    def make(**changes: Any) -> Settings:
        return Settings(**{"data_dir": data_dir, "hub": False, "precision": "fp32"} | changes)

    return make


@pytest.fixture(scope="session")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> MakeModel:
    """Builds a small model with random weights and its tokenizer, saved as a folder."""
    import torch
    import transformers

    def make(family: str, *, task: str = "SequenceClassification", **changes: Any) -> Path:
        torch.manual_seed(11)
        folder = tmp_path_factory.mktemp(family)
        tokenizer = _train_bpe() if family == "Roberta" else _train_pieces(family)
        shape = {
            "vocab_size": tokenizer.vocab_size,
            "hidden_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 96,
            "initializer_range": 0.3,
            "num_labels": 1,
            "pad_token_id": tokenizer.pad_token_id,
            "max_position_embeddings": 64 if family == "Bert" else 66,
            "type_vocab_size": 2 if family == "Bert" else 1,
        }
        configuration = getattr(transformers, f"{family}Config")(**shape | changes)
        model = getattr(transformers, f"{family}{'For' * (task != 'Model')}{task}")(configuration)
        # Biases start at zero, where an implementation that forgot them would pass.
        for name, parameter in model.named_parameters():
            is_scale = name.endswith("LayerNorm.weight")
            torch.nn.init.normal_(parameter, mean=float(is_scale), std=0.25)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder

    return make


def _train_pieces(family: str) -> Any:
    """A WordPiece tokenizer for BERT, a Unigram one for XLM-R."""
    import transformers

    if family == "Bert":
        pieces = BertWordPieceTokenizer(lowercase=True)
        pieces.train_from_iterator(TEXTS, vocab_size=400, show_progress=False)
        return transformers.PreTrainedTokenizerFast(
            tokenizer_object=_with_bert_template(pieces),
            unk_token="[UNK]",
            pad_token="[PAD]",
            cls_token="[CLS]",
            sep_token="[SEP]",
            model_max_length=64,
            model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        )
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    specials = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(
        vocab_size=300, special_tokens=specials, unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return _roberta_like(tokenizer)


def _with_bert_template(pieces: BertWordPieceTokenizer) -> Tokenizer:
    tokenizer = Tokenizer.from_str(pieces.to_str())
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )
    return tokenizer


def _train_bpe() -> Any:
    """A byte-level BPE tokenizer for RoBERTa."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return _roberta_like(tokenizer)


def _roberta_like(tokenizer: Tokenizer) -> Any:
    import transformers

    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("<s>", "</s>")],
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        pad_token="<pad>",
        cls_token="<s>",
        sep_token="</s>",
        bos_token="<s>",
        eos_token="</s>",
        model_max_length=64,
    )

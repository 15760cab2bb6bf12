"""Makes tests/fixtures/tiny-cross-encoder, a real cross-encoder of under four megabytes.

Run it from the repository's root: ``python -m tests.models.train_tiny_cross_encoder``. It
takes a few minutes on two cores and prints how well held-out examples are ranked.

A BERT of two layers learns from docstrings of the standard library to tell the passage
that a query asks for from others (softmax over one positive and its negatives). It knows
little but common words; that is enough to rank, and it is a model like any other.
"""

import random
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, processors
from tokenizers.implementations import BertWordPieceTokenizer
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from tests.models.docstring_pairs import Example, make_examples, read_docstrings

FOLDER = Path(__file__).parents[1] / "fixtures" / "tiny-cross-encoder"

_VOCABULARY = 5_000
_HIDDEN = 64
_STEPS = 300
_QUERIES_PER_STEP = 12
_NEGATIVES = 4
_MAX_TOKENS = 512
_TRAINING_TOKENS = 64
_LEARNING_RATE = 1e-3


def _train_tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    pieces = BertWordPieceTokenizer(lowercase=True)
    pieces.train_from_iterator(texts, vocab_size=_VOCABULARY, show_progress=False)
    tokenizer = Tokenizer.from_str(pieces.to_str())
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=_MAX_TOKENS,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


def _new_model() -> BertForSequenceClassification:
    model = BertForSequenceClassification(
        BertConfig(
            vocab_size=_VOCABULARY,
            hidden_size=_HIDDEN,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=2 * _HIDDEN,
            max_position_embeddings=_MAX_TOKENS,
            num_labels=1,
            initializer_range=_HIDDEN**-0.5,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
    )
    with torch.no_grad():
        # Words far apart from one another, and a first layer that looks for the same word
        # elsewhere: what such a small model would otherwise take hours to discover.
        model.bert.embeddings.word_embeddings.weight.normal_(std=0.3)
        model.bert.embeddings.token_type_embeddings.weight.normal_(std=0.1)
        model.bert.embeddings.position_embeddings.weight.normal_(std=0.01)
        attention = model.bert.encoder.layer[0].attention.self
        for projection in (attention.query, attention.key):
            projection.weight.copy_(1.5 * torch.eye(_HIDDEN))
    return model


def _scores(
    model: BertForSequenceClassification,
    tokenizer: PreTrainedTokenizerFast,
    examples: list[Example],
) -> torch.Tensor:
    """Logits [examples, 1 + negatives]; the positive stands first."""
    pairs = [(each.query, text) for each in examples for text in (each.positive, *each.negatives)]
    inputs = tokenizer(
        [query for query, _ in pairs],
        [text for _, text in pairs],
        padding=True,
        truncation="longest_first",
        max_length=_TRAINING_TOKENS,
        return_tensors="pt",
    )
    scores: torch.Tensor = model(**inputs).logits.reshape(len(examples), -1)
    return scores


def _mean_reciprocal_rank(
    model: BertForSequenceClassification,
    tokenizer: PreTrainedTokenizerFast,
    examples: list[Example],
) -> float:
    total = 0.0
    with torch.inference_mode():
        for start in range(0, len(examples), _QUERIES_PER_STEP):
            scores = _scores(model, tokenizer, examples[start : start + _QUERIES_PER_STEP])
            ranks = 1 + (scores[:, 1:] >= scores[:, :1]).sum(1)
            total += float((1 / ranks).sum())
    return total / len(examples)


def main() -> None:
    """Train, save in half precision, and print the mean reciprocal rank held out."""
    torch.manual_seed(5)
    chance = random.Random(5)  # noqa: S311  # must be repeatable
    docstrings = read_docstrings()
    training = [docstring for docstring in docstrings if not docstring.held_out]
    held_out = make_examples([each for each in docstrings if each.held_out], 9, seed=6)[:200]
    tokenizer = _train_tokenizer([f"{each.summary} {each.body}" for each in training])
    model = _new_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=_LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _LEARNING_RATE, _STEPS, pct_start=0.1)
    examples: list[Example] = []
    for step in range(_STEPS):
        if len(examples) < _QUERIES_PER_STEP:
            examples = make_examples(training, _NEGATIVES, seed=step)
            chance.shuffle(examples)
        batch, examples = examples[:_QUERIES_PER_STEP], examples[_QUERIES_PER_STEP:]
        scores = _scores(model, tokenizer, batch)
        loss = torch.nn.functional.cross_entropy(scores, torch.zeros(len(batch), dtype=torch.long))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            rank = _mean_reciprocal_rank(model, tokenizer, held_out[:64])
            print(f"step {step:4d} loss {loss.item():.3f} held-out MRR {rank:.3f}", flush=True)  # noqa: T201  # a script
    model.save_pretrained(FOLDER)
    tokenizer.save_pretrained(FOLDER)
    weights = FOLDER / "model.safetensors"
    halved = {name: tensor.half() for name, tensor in load_file(weights).items()}
    save_file(halved, weights, metadata={"format": "pt"})
    print(f"held-out MRR {_mean_reciprocal_rank(model, tokenizer, held_out):.3f}")  # noqa: T201  # a script


if __name__ == "__main__":
    main()

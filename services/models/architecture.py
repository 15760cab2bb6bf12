"""The shape of an encoder, as config.json gives it."""

from collections.abc import Mapping
from dataclasses import dataclass

_BERT = frozenset({"bert"})
_ROBERTA = frozenset({"roberta", "xlm-roberta", "camembert"})
INTERACTION = "winnow_interaction"
"""The entry of config.json that makes a BERT encoder an interaction cross-encoder."""

_ACTIVATIONS = frozenset({"gelu", "gelu_new", "gelu_pytorch_tanh", "relu"})


@dataclass(frozen=True, slots=True)
class Architecture:
    """An encoder of the BERT or RoBERTa family.

    Attributes:
        family: "bert" or "roberta".
        first_position: the row of the position table that the first token takes.
        positions: how many tokens the position table has room for.
        labels: outputs of a sequence-classification head.
        crossing_layers: of an interaction cross-encoder, how many of the last layers attend
            from the query to the passage and back; 0 for every other model.
    """

    family: str
    hidden: int
    layers: int
    heads: int
    activation: str
    norm_epsilon: float
    first_position: int
    positions: int
    types: int
    labels: int
    crossing_layers: int = 0


def read_architecture(config: Mapping[str, object]) -> Architecture | None:
    """The architecture that config.json describes, or None where the builder knows it not."""
    kind = str(config.get("model_type", ""))
    if kind not in _BERT | _ROBERTA:
        return None
    if config.get("position_embedding_type", "absolute") != "absolute":
        return None
    activation = str(config.get("hidden_act", "gelu"))
    if activation not in _ACTIVATIONS or config.get("is_decoder"):
        return None
    roberta = kind in _ROBERTA
    first = _integer(config, "pad_token_id", 1) + 1 if roberta else 0
    labels = config.get("id2label")
    return Architecture(
        family="roberta" if roberta else "bert",
        hidden=_integer(config, "hidden_size", 768),
        layers=_integer(config, "num_hidden_layers", 12),
        heads=_integer(config, "num_attention_heads", 12),
        activation=activation,
        norm_epsilon=float(str(config.get("layer_norm_eps", 1e-12))),
        first_position=first,
        positions=_integer(config, "max_position_embeddings", 512) - first,
        types=_integer(config, "type_vocab_size", 2),
        labels=len(labels) if isinstance(labels, Mapping) else _integer(config, "num_labels", 2),
        crossing_layers=_crossing_layers(config.get(INTERACTION)),
    )


def _crossing_layers(interaction: object) -> int:
    if not isinstance(interaction, Mapping):
        return 0
    return _integer(interaction, "crossing_layers", 0)


def _integer(config: Mapping[str, object], key: str, default: int) -> int:
    value = config.get(key, default)
    return value if isinstance(value, int) else default

"""The encoder of BERT and RoBERTa models as an OpenVINO graph, straight from the weights.

Devlin et al. 2019 (arXiv 1810.04805); Liu et al. 2019 (arXiv 1907.11692). Layer by layer
as in transformers' ``modeling_bert.py`` and ``modeling_roberta.py``, whose weight names it
reads; XLM-R is RoBERTa with another vocabulary.
"""

from dataclasses import dataclass

import numpy as np
import openvino as ov
import openvino.opset15 as op
from numpy.typing import NDArray
from openvino import Node

from services.models.architecture import Architecture
from services.models.weights import Weights

_ACTIVATIONS = {
    "gelu": lambda node: op.gelu(node, "erf"),
    "gelu_new": lambda node: op.gelu(node, "tanh"),
    "gelu_pytorch_tanh": lambda node: op.gelu(node, "tanh"),
    "relu": op.relu,
}


@dataclass(frozen=True, slots=True)
class Encoder:
    """The graph up to the last hidden states.

    Attributes:
        inputs: int32 parameters [batch, tokens]: ids, mask and, where asked for, types.
        mask: float32 [batch, tokens, 1], 1 for tokens and 0 for padding.
        states: float32 [batch, tokens, hidden].
    """

    inputs: list[Node]
    mask: Node
    states: Node


def constant(values: NDArray[np.float32]) -> Node:
    """A constant that shares the memory of a mapped weight file."""
    return op.constant(np.ascontiguousarray(values), shared_memory=True)


def integers(*values: int) -> Node:
    """An int64 constant [n], as shapes and axes are given."""
    return op.constant(np.array(values, np.int64))


def dense(node: Node, weights: Weights, name: str) -> Node:
    """A linear layer: ``node @ weight.T + bias``."""
    product = op.matmul(node, constant(weights[f"{name}.weight"]), False, True)
    return op.add(product, constant(weights[f"{name}.bias"]))


def build_encoder(architecture: Architecture, weights: Weights, *, with_types: bool) -> Encoder:
    """Build embeddings and layers.

    Args:
        with_types: take segment types as a third input (pairs of BERT models); without it
            every token is of type 0, and that embedding is folded into the positions.
    """
    ids = op.parameter([-1, -1], np.int32, name="input_ids")
    mask = op.parameter([-1, -1], np.int32, name="attention_mask")
    inputs = [ids, mask]
    states, types = _embed(architecture, weights, ids, with_types=with_types)
    if types is not None:
        inputs.append(types)
    mask_values = op.convert(mask, "f32")
    bias = _attention_bias(mask_values)
    for layer in range(architecture.layers):
        states = attention_layer(architecture, weights, f"encoder.layer.{layer}", states, bias)
    return Encoder(inputs, op.unsqueeze(mask_values, integers(2)), states)


def _embed(
    architecture: Architecture, weights: Weights, ids: Node, *, with_types: bool
) -> tuple[Node, Node | None]:
    words = op.gather(constant(weights["embeddings.word_embeddings.weight"]), ids, integers(0))
    first = architecture.first_position
    positions = weights["embeddings.position_embeddings.weight"][first:]
    type_table = weights["embeddings.token_type_embeddings.weight"]
    types = None
    if with_types:
        types = op.parameter([-1, -1], np.int32, name="token_type_ids")
        words = op.add(words, op.gather(constant(type_table), types, integers(0)))
    else:
        positions = positions + type_table[0]
    length = op.gather(op.shape_of(ids), integers(1), integers(0))
    used = op.slice(constant(positions), integers(0), length, integers(1), integers(0))
    summed = op.add(words, used)
    return layer_norm(architecture, weights, "embeddings.LayerNorm", summed), types


def _attention_bias(mask: Node) -> Node:
    """0 for tokens, a large negative number for padding: [batch, 1, 1, tokens]."""
    absent = op.subtract(mask, op.constant(np.float32(1)))
    return op.unsqueeze(op.multiply(absent, op.constant(np.float32(1e9))), integers(1, 2))


def attention_layer(
    architecture: Architecture, weights: Weights, name: str, states: Node, bias: Node
) -> Node:
    """One layer; ``bias`` is added to the attention logits [batch, heads, tokens, tokens]."""
    attended = _attention(architecture, weights, f"{name}.attention.self", states, bias)
    projected = dense(attended, weights, f"{name}.attention.output.dense")
    states = layer_norm(
        architecture,
        weights,
        f"{name}.attention.output.LayerNorm",
        op.add(projected, states),
    )
    inner = _ACTIVATIONS[architecture.activation](
        dense(states, weights, f"{name}.intermediate.dense")
    )
    outer = dense(inner, weights, f"{name}.output.dense")
    return layer_norm(architecture, weights, f"{name}.output.LayerNorm", op.add(outer, states))


def _attention(
    architecture: Architecture, weights: Weights, name: str, states: Node, bias: Node
) -> Node:
    """Multi-head attention: [batch, tokens, hidden] to the same."""
    size = architecture.hidden // architecture.heads

    def heads(part: str) -> Node:
        split = op.reshape(
            dense(states, weights, f"{name}.{part}"),
            integers(0, 0, architecture.heads, size),
            True,
        )
        return op.transpose(split, integers(0, 2, 1, 3))

    context = op.scaled_dot_product_attention(heads("query"), heads("key"), heads("value"), bias)
    joined = op.transpose(context, integers(0, 2, 1, 3))
    return op.reshape(joined, integers(0, 0, architecture.hidden), True)


def layer_norm(architecture: Architecture, weights: Weights, name: str, node: Node) -> Node:
    """Layer normalisation of the last axis of [batch, tokens, hidden]."""
    normal = op.mvn(node, integers(2), True, architecture.norm_epsilon, "inside_sqrt")
    scaled = op.multiply(normal, constant(weights[f"{name}.weight"]))
    return op.add(scaled, constant(weights[f"{name}.bias"]))


def model_of(outputs: list[Node], inputs: list[Node], name: str) -> ov.Model:
    """Close a graph over its inputs and outputs."""
    return ov.Model([op.result(node) for node in outputs], inputs, name)

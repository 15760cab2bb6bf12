"""Interaction cross-encoders as OpenVINO graphs: a bi-encoder that looks across at last.

The input is ``[CLS] query [SEP] [CLS] passage [SEP]``, types 1 from the passage's first
token on. Each side has positions of its own. The lower layers read the sides apart, the last
``crossing_layers`` attend across behind a learned bias for each head. The logit is a sum of
the means' cosine, of MaxSim over all token states (Khattab and Zaharia 2020,
arXiv 2004.12832) and of a classifier on the passage's start token.
``evaluation/training/interaction.py`` trains the same model.
"""

import numpy as np
import openvino as ov
import openvino.opset15 as op
from openvino import Node

from services.models.architecture import Architecture
from services.models.graph import (
    attention_layer,
    constant,
    dense,
    integers,
    layer_norm,
    model_of,
)
from services.models.heads import normalise
from services.models.weights import Weights

_PREFIX = "interaction"
_CLOSED = np.float32(-1e9)


def build_interaction(architecture: Architecture, weights: Weights) -> ov.Model:
    """Inputs int32 [batch, tokens]: ids, mask, types; output: logits [batch, 1]."""
    ids = op.parameter([-1, -1], np.int32, name="input_ids")
    mask = op.parameter([-1, -1], np.int32, name="attention_mask")
    types = op.parameter([-1, -1], np.int32, name="token_type_ids")
    sides = _Sides(ids, mask, types)
    states = _embed(architecture, weights, ids, sides)
    crossing = weights[f"{_PREFIX}.crossing"]
    first = architecture.layers - architecture.crossing_layers
    for layer in range(architecture.layers):
        learned = op.constant(_CLOSED)
        if layer >= first:
            learned = constant(crossing[layer - first].reshape(1, -1, 1, 1))
        bias = op.add(sides.absent, op.multiply(sides.apart, learned))
        states = attention_layer(architecture, weights, f"encoder.layer.{layer}", states, bias)
    return model_of([_score(weights, states, sides)], [ids, mask, types], "cross-encoder")


class _Sides:
    """Which token is whose, as nodes over [batch, tokens]."""

    def __init__(self, ids: Node, mask: Node, types: Node) -> None:
        one = op.constant(np.int32(1))
        first = op.multiply(mask, op.subtract(one, types))
        # The passage's start token still has the first type.
        self.starts = op.subtract(op.reduce_sum(first, integers(1), True), one)
        lengths = op.reduce_sum(mask, integers(1), True)
        tokens = op.convert(op.gather(op.shape_of(ids), integers(1), integers(0)), "i32")
        places = op.unsqueeze(
            op.range(op.constant(np.int32(0)), op.squeeze(tokens), one, "i32"), integers(0)
        )
        real = op.less(places, lengths)
        second = op.greater_equal(places, self.starts)
        self.positions = op.maximum(
            op.select(second, op.subtract(places, self.starts), places),
            op.constant(np.int32(0)),
        )
        self.of_query = op.logical_and(real, op.logical_not(second))
        self.of_passage = op.logical_and(real, second)
        # Without the special tokens, which every text has.
        last_of_query = op.subtract(self.starts, one)
        self.asked = op.logical_and(
            op.greater(places, op.constant(np.int32(0))), op.less(places, last_of_query)
        )
        self.held = op.logical_and(
            op.greater(places, self.starts), op.less(places, op.subtract(lengths, one))
        )
        padded = op.convert(op.logical_not(real), "f32")
        self.absent = op.unsqueeze(op.multiply(padded, op.constant(_CLOSED)), integers(1, 2))
        across = op.not_equal(
            op.unsqueeze(second, integers(1, 3)), op.unsqueeze(second, integers(1, 2))
        )
        self.apart = op.convert(across, "f32")


def _embed(architecture: Architecture, weights: Weights, ids: Node, sides: _Sides) -> Node:
    words = op.gather(constant(weights["embeddings.word_embeddings.weight"]), ids, integers(0))
    table = weights["embeddings.position_embeddings.weight"]
    table = table + weights["embeddings.token_type_embeddings.weight"][0]
    placed = op.gather(constant(table), sides.positions, integers(0))
    return layer_norm(architecture, weights, "embeddings.LayerNorm", op.add(words, placed))


def _score(weights: Weights, states: Node, sides: _Sides) -> Node:
    scales = weights[f"{_PREFIX}.scales"]
    query, passage = (_mean(states, side) for side in (sides.of_query, sides.of_passage))
    cosine = op.reduce_sum(op.multiply(query, passage), integers(1), True)
    summary = op.gather_nd(states, sides.starts, 1)
    hidden = op.tanh(dense(summary, weights, f"{_PREFIX}.dense"))
    classified = dense(hidden, weights, f"{_PREFIX}.classifier")
    weighted = op.add(
        op.multiply(cosine, op.constant(scales[0])),
        op.multiply(_max_sim(weights, states, sides), op.constant(scales[1])),
    )
    return op.add(weighted, classified)


def _mean(states: Node, side: Node) -> Node:
    """The normalised mean of one side's tokens: [batch, hidden]."""
    mask = op.unsqueeze(op.convert(side, "f32"), integers(2))
    summed = op.reduce_sum(op.multiply(states, mask), integers(1), False)
    return normalise(op.divide(summed, op.reduce_sum(mask, integers(1), False)))


def _max_sim(weights: Weights, states: Node, sides: _Sides) -> Node:
    """The weighted mean over query tokens of the best passage token: [batch, 1]."""
    unit = normalise(states)
    products = op.matmul(unit, unit, False, True)
    held = op.unsqueeze(sides.held, integers(1))
    best = op.reduce_max(op.select(held, products, op.constant(np.float32(-1))), integers(2), False)
    importance = op.matmul(
        states, constant(weights[f"{_PREFIX}.token_weight"].reshape(-1, 1)), False, False
    )
    asked = op.select(sides.asked, op.squeeze(importance, integers(2)), op.constant(_CLOSED))
    shares = op.softmax(asked, 1)
    return op.reduce_sum(op.multiply(shares, best), integers(1), True)

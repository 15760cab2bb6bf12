"""What stands on an encoder: pooling for bi-encoders, a classifier for cross-encoders."""

import numpy as np
import openvino.opset15 as op
from numpy.typing import NDArray
from openvino import Node

from services.models.graph import constant, dense, integers
from services.models.weights import Weights

_SMALLEST_NORM = 1e-12


def pool(states: Node, mask: Node, mode: str) -> Node:
    """Token states [batch, tokens, hidden] to one vector each, as sentence-transformers does.

    Args:
        mask: float32 [batch, tokens, 1].
        mode: "mean", "cls" or "max".
    """
    match mode:
        case "cls":
            return op.squeeze(
                op.gather(states, integers(0), integers(1)),
                integers(1),
            )
        case "max":
            absent = op.multiply(
                op.subtract(mask, op.constant(np.float32(1))), op.constant(np.float32(1e9))
            )
            return op.reduce_max(op.add(states, absent), integers(1), False)
        case _:
            summed = op.reduce_sum(op.multiply(states, mask), integers(1), False)
            return op.divide(summed, op.reduce_sum(mask, integers(1), False))


def normalise(node: Node) -> Node:
    """Divide the last axis by its Euclidean length."""
    return op.normalize_l2(node, integers(-1), _SMALLEST_NORM, "max")


def project(states: Node, matrix: NDArray[np.float32]) -> Node:
    """Token states to short normalised vectors: [batch, tokens, columns of the matrix]."""
    return normalise(op.matmul(states, constant(matrix), False, False))


def classify_bert(states: Node, weights: Weights) -> Node:
    """BertForSequenceClassification: pooler (dense, tanh) and classifier: [batch, labels]."""
    pooled = op.tanh(dense(pool(states, states, "cls"), weights, "pooler.dense"))
    return dense(pooled, weights, "classifier")


def classify_roberta(states: Node, weights: Weights) -> Node:
    """RobertaForSequenceClassification: dense, tanh, projection: [batch, labels]."""
    hidden = op.tanh(dense(pool(states, states, "cls"), weights, "classifier.dense"))
    return dense(hidden, weights, "classifier.out_proj")

"""A cross-encoder that begins as a bi-encoder: its similarity is where training starts.

Query and passage stand in one input, each with its own start and positions, so that the
lower layers read them apart, as the bi-encoder does. The upper layers attend across as well,
behind a learned bias that begins almost closed. The score is made of the cosine of both
means, of MaxSim (Khattab and Zaharia 2020, arXiv 2004.12832) over all token states, and of a
classifier that begins at zero: before the first step the model orders as its base does.
``services/models/interaction.py`` builds the same graph for OpenVINO.
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import BertModel

CLOSED = -4.0
COSINE_SCALE = 10.0
MAX_SIM_SCALE = 10.0


class InteractionScorer(nn.Module):
    """Scores rows of ids ``[CLS] query [SEP] [CLS] passage [SEP]``."""

    def __init__(self, bert: BertModel, crossing_layers: int) -> None:
        """The last ``crossing_layers`` of the encoder attend across."""
        super().__init__()
        config = bert.config
        self.bert = bert
        self.first_crossing = config.num_hidden_layers - crossing_layers
        heads = config.num_attention_heads
        self.crossing = nn.Parameter(torch.full((crossing_layers, heads), CLOSED))
        self.token_weight = nn.Parameter(torch.zeros(config.hidden_size))
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.classifier = nn.Linear(config.hidden_size, 1)
        self.scales = nn.Parameter(torch.tensor([COSINE_SCALE, MAX_SIM_SCALE]))
        nn.init.zeros_(self.classifier.weight)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, ids: Tensor, mask: Tensor, types: Tensor) -> Tensor:
        """Logits float32 [rows].

        Args:
            ids: [rows, tokens], padded on the right.
            mask: 1 for tokens, 0 for padding.
            types: 1 from the passage's first token on; its own start token stands before it.
        """
        lengths = mask.sum(1)
        starts = (mask * (1 - types)).sum(1) - 1
        places = torch.arange(ids.shape[1], device=ids.device)[None]
        real = places < lengths[:, None]
        second = places >= starts[:, None]
        positions = torch.where(second, places - starts[:, None], places).clamp(min=0)
        states = self._encode(ids, positions, real, second)
        return self._score(states.float(), real, second, lengths, starts)

    def _encode(self, ids: Tensor, positions: Tensor, real: Tensor, second: Tensor) -> Tensor:
        bert = self.bert
        absent = (~real)[:, None, None, :] * -1e9
        apart = (second[:, None, :, None] != second[:, None, None, :]).float()
        states = bert.embeddings(input_ids=ids, position_ids=positions)
        for index, layer in enumerate(bert.encoder.layer):
            if index < self.first_crossing:
                bias = absent + apart * -1e9
            else:
                learned = self.crossing[index - self.first_crossing]
                bias = absent + apart * learned[None, :, None, None]
            states = _layer(layer, states, bias)
        return states  # type: ignore[no-any-return]

    def _score(
        self, states: Tensor, real: Tensor, second: Tensor, lengths: Tensor, starts: Tensor
    ) -> Tensor:
        with torch.autocast(states.device.type, enabled=False):
            of_query = (real & ~second).float()[..., None]
            of_passage = (real & second).float()[..., None]
            means = [
                nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=-1)
                for mask in (of_query, of_passage)
            ]
            cosine = (means[0] * means[1]).sum(-1)
            summary = states[torch.arange(len(states)), starts]
            classified = self.classifier(torch.tanh(self.dense(summary)))[:, 0]
            max_sim = self._max_sim(states, lengths, starts)
            return self.scales[0] * cosine + self.scales[1] * max_sim + classified  # type: ignore[no-any-return]

    def _max_sim(self, states: Tensor, lengths: Tensor, starts: Tensor) -> Tensor:
        """For each token of the query its best of the passage; special tokens are left out."""
        places = torch.arange(states.shape[1], device=states.device)[None]
        asked = (places > 0) & (places < starts[:, None] - 1)
        held = (places > starts[:, None]) & (places < lengths[:, None] - 1)
        unit = nn.functional.normalize(states, dim=-1)
        width = int(starts.max())
        products = unit[:, :width] @ unit.transpose(1, 2)
        best = products.masked_fill(~held[:, None, :], -1.0).amax(-1)
        weights = (states[:, :width] @ self.token_weight).masked_fill(~asked[:, :width], -1e9)
        return (weights.softmax(-1) * best).sum(-1)


def _layer(layer: Any, states: Tensor, bias: Tensor) -> Tensor:
    attention = layer.attention.self
    rows, tokens, hidden = states.shape
    heads = attention.num_attention_heads

    def split(linear: nn.Linear) -> Tensor:
        return linear(states).view(rows, tokens, heads, hidden // heads).transpose(1, 2)  # type: ignore[no-any-return]

    query, key, value = split(attention.query), split(attention.key), split(attention.value)
    products = query @ key.transpose(2, 3) * (hidden // heads) ** -0.5
    weights = (products + bias.to(products.dtype)).softmax(-1).to(value.dtype)
    joined = (weights @ value).transpose(1, 2).reshape(rows, tokens, hidden)
    attended: Tensor = layer.attention.output(joined, states)
    return layer.output(layer.intermediate(attended), attended)  # type: ignore[no-any-return]

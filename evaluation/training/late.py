"""``winnow train --late``: the projection that makes stored token vectors, learned.

The encoder stays as it is, so vectors and the shape of the index do too; only the matrix from
its states to the stored ones is moved, until MaxSim (Khattab and Zaharia 2020,
arXiv 2004.12832) puts answers first. The finished folder is the bi-encoder's with a
``token_projection.npy`` of its own, which its fingerprint names: reindexing brings it in.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from transformers import BertModel

from evaluation.stores import OnProgress
from evaluation.training.fine_tuning import Point
from evaluation.training.groups import Group
from evaluation.training.held_out import judge
from evaluation.training.libraries import quieten
from evaluation.training.recipe import Recipe
from evaluation.training.sampling import draw
from evaluation.training.train import Material, Trained, sampling_of, steps_of
from services.errors import ModelUnavailable
from services.models.finding import find_model
from services.models.folder import ModelFolder
from services.models.projection import DEFAULT_DIMENSIONS, load_projection
from services.models.tokenizing import ModelTokenizer, pad
from services.settings import Settings

PROJECTION = "token_projection.npy"

_STATE = "late.pt"
_LEARNING_RATE = 1e-3
_FIRST_SCALE = 20.0
_SCORING_TEXTS = 32


@dataclass(frozen=True, slots=True)
class _States:
    """Token states of several texts [texts, tokens, hidden], and which are no padding."""

    values: Tensor
    real: Tensor


class _Encoder:
    """The bi-encoder's token states without special tokens, never trained."""

    def __init__(self, folder: ModelFolder, max_tokens: int) -> None:
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        bert = BertModel.from_pretrained(str(folder.path), add_pooling_layer=False)
        self._bert = bert.to(self.device).train(mode=False)  # type: ignore[arg-type]
        self._tokenizer = ModelTokenizer(folder.path)
        self._room = max_tokens - self._tokenizer.single.overhead

    def states(self, texts: Sequence[str]) -> _States:
        """One pass over the texts, each cut at the longest input of training."""
        template = self._tokenizer.single
        rows = [
            np.concatenate([template.prefix, ids[: self._room], template.suffix])
            for ids in self._tokenizer.ids(list(texts), self._room)
        ]
        ids = torch.from_numpy(pad(rows, self._tokenizer.padding_id)).long().to(self.device)
        lengths = torch.tensor([len(row) for row in rows], device=self.device)
        places = torch.arange(ids.shape[1], device=self.device)[None]
        with torch.inference_mode(), torch.autocast(self.device, dtype=torch.bfloat16):
            mask = (places < lengths[:, None]).long()
            values = self._bert(input_ids=ids, attention_mask=mask).last_hidden_state
        own = (places >= len(template.prefix)) & (places < lengths[:, None] - len(template.suffix))
        return _States(values.float().clone(), own)


class _MaxSim(nn.Module):
    """The projection and the scale of its scores, which only training needs."""

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.matrix = nn.Parameter(matrix)
        self.scale = nn.Parameter(torch.tensor(_FIRST_SCALE))

    def forward(self, query: _States, passages: _States) -> Tensor:
        """Scores [passages] of one query."""
        asked, held = (
            nn.functional.normalize(states.values @ self.matrix, dim=-1)
            for states in (query, passages)
        )
        products = (asked @ held.transpose(1, 2)).masked_fill(~passages.real[:, None], -1.0)
        best = products.amax(-1)
        counted = query.real.float()
        return self.scale * (best * counted).sum(-1) / counted.sum(-1).clamp(min=1)


def learn_projection(
    settings: Settings,
    recipe: Recipe,
    material: Material,
    work: Path,
    out: Path,
    progress: OnProgress,
) -> Trained:
    """Train the projection of ``recipe.base`` and write the bi-encoder's folder with it.

    Raises:
        ModelUnavailable: the base is no BERT bi-encoder, or not to be had.
    """
    quieten()
    base = find_model(recipe.base, settings)
    if base.json("config.json").get("model_type") != "bert":
        raise ModelUnavailable(
            f"{base.name} is no bi-encoder of the BERT family: late interaction is trained "
            "for those alone."
        )
    training = recipe.training
    torch.manual_seed(training.seed)
    encoder = _Encoder(base, training.max_tokens)
    model = _MaxSim(_first_matrix(base, settings)).to(encoder.device)
    steps = steps_of(len(material.training), recipe)
    count = steps * training.groups_per_step
    examples = draw(material.training, count, sampling_of(recipe), training.seed)
    curve = _train(model, encoder, examples, material.held_out, recipe, work, progress)
    _write(model, base, out)
    return Trained(out, len(material.training), len(examples), len(material.held_out), curve, None)


def _first_matrix(base: ModelFolder, settings: Settings) -> Tensor:
    """The projection that the model has, else an orthogonal one."""
    hidden = int(base.json("config.json")["hidden_size"])
    dimensions = min(settings.token_dimensions or DEFAULT_DIMENSIONS, hidden)
    known = load_projection(base, None, hidden)
    if known is not None:
        return torch.from_numpy(known.matrix[:, :dimensions].copy())
    return torch.linalg.qr(torch.randn(hidden, dimensions)).Q.contiguous()  # type: ignore[no-any-return]


def _train(
    model: _MaxSim,
    encoder: _Encoder,
    examples: Sequence[Group],
    held_out: Sequence[Group],
    recipe: Recipe,
    work: Path,
    progress: OnProgress,
) -> list[Point]:
    """The loop, with a point of the dev curve and a state to resume from now and then."""
    size = recipe.training.groups_per_step
    batches = [examples[start : start + size] for start in range(0, len(examples), size)]
    every = max(1, len(batches) // recipe.training.evaluations)
    optimizer = torch.optim.AdamW(model.parameters(), lr=_LEARNING_RATE, weight_decay=0.0)
    saved = work / _STATE
    work.mkdir(parents=True, exist_ok=True)
    curve: list[Point] = []
    done = 0
    if saved.is_file():
        state = torch.load(saved, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        done = int(state["step"])
    curve.append(_point(model, encoder, held_out, done))
    for step, batch in enumerate(batches[done:], start=done + 1):
        optimizer.zero_grad()
        loss = torch.stack([_loss(model, encoder, group) for group in batch]).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        progress("Training", step, len(batches))
        if step % every == 0 or step == len(batches):
            curve.append(_point(model, encoder, held_out, step))
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
            torch.save(state, saved.with_suffix(".unfinished"))
            saved.with_suffix(".unfinished").replace(saved)
    return curve


def _scores(model: _MaxSim, encoder: _Encoder, query: str, texts: Sequence[str]) -> Tensor:
    return model(encoder.states([query]), encoder.states(texts))  # type: ignore[no-any-return]


def _loss(model: _MaxSim, encoder: _Encoder, group: Group) -> Tensor:
    texts = [passage.text for passage in group.passages]
    logits = _scores(model, encoder, group.query, texts)
    gains = torch.tensor(group.grades, dtype=torch.float32, device=logits.device)
    return -(gains / gains.sum() * logits.log_softmax(0)).sum()


def _point(model: _MaxSim, encoder: _Encoder, held_out: Sequence[Group], step: int) -> Point:
    def score(pairs: Sequence[tuple[str, str]]) -> list[float]:
        scored: list[float] = []
        with torch.inference_mode():
            for start in range(0, len(pairs), _SCORING_TEXTS):
                part = pairs[start : start + _SCORING_TEXTS]
                queries = encoder.states([query for query, _ in part])
                scored += model(queries, encoder.states([text for _, text in part])).tolist()
        return scored

    return Point(step, judge(held_out, score))


def _write(model: _MaxSim, base: ModelFolder, out: Path) -> None:
    """The bi-encoder's own files beside the new matrix."""
    shutil.copytree(base.path, out, dirs_exist_ok=True)
    matrix = model.matrix.detach().cpu().numpy().astype(np.float16)
    unfinished = out / f"unfinished-{PROJECTION}"
    np.save(unfinished, matrix)
    unfinished.replace(out / PROJECTION)

"""Reranking pairs, beside CrossEncoder.predict with its defaults on the same weights."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from evaluation.benchmarks.figures import Figure, timed
from evaluation.benchmarks.models import (
    CrossEncoderFolder,
    plain_cross_encoder_folder,
    small_cross_encoder_folder,
)
from evaluation.benchmarks.texts import passages, queries
from services.models.loading import load_cross_encoder
from services.models.reranker import InProcessReranker
from services.ports.models import Passage, RerankRequest
from services.settings import Settings

_ROUNDS = 10
_PAIRS = 100
_WORDS = 110
_TIMES_FASTER = 4.0
_TOP = 10
_SAME_TOP = 0.9
_DEADLINE_S = 600.0


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Rounds on one folder: pairs a second of both sides, and whether the top ten agreed."""

    ours: float
    theirs: float
    same_top: float
    precision: str


def reranking(settings: Settings) -> list[Figure]:
    """Pairs a second of both in alternating rounds, and how often the top ten agree."""
    with tempfile.TemporaryDirectory() as aside:
        folder = plain_cross_encoder_folder(settings, Path(aside))
        speed = _compare(settings, folder)
    judged = folder if folder.trained else small_cross_encoder_folder()
    order = speed if folder.trained else _compare(settings, judged)
    enforced = speed.precision == "bf16"
    return [
        Figure(
            f"reranking {_PAIRS} pairs of {_WORDS} words, {speed.precision} ({folder.description})",
            speed.ours,
            "pairs/s",
            speed.theirs,
            at_least=_TIMES_FASTER,
            enforced=enforced,
        ),
        Figure(
            f"same top {_TOP} of {_PAIRS}, {order.precision} ({judged.description})",
            order.same_top,
            "share of queries",
            at_least=_SAME_TOP,
            enforced=enforced,
        ),
    ]


def _compare(settings: Settings, folder: CrossEncoderFolder) -> _Comparison:
    from sentence_transformers import CrossEncoder

    chosen = settings.model_copy(update={"cross_encoder": str(folder.path)})
    reranker = InProcessReranker(load_cross_encoder(chosen))
    baseline = CrossEncoder(str(folder.path), device="cpu")
    ours, theirs, same = [], [], []
    with asyncio.Runner() as runner:

        def ours_of(query: str, texts: Sequence[str]) -> Sequence[float | None]:
            deadline_s = time.monotonic() + _DEADLINE_S
            request = RerankRequest(query, [Passage(text) for text in texts], deadline_s)
            return runner.run(reranker.rerank(request)).scores

        def theirs_of(query: str, texts: Sequence[str]) -> Sequence[float]:
            pairs = [(query, text) for text in texts]
            return [float(score) for score in baseline.predict(pairs, show_progress_bar=False)]

        for number, query in enumerate(queries(_ROUNDS + 1)):
            texts = passages(_PAIRS, _WORDS, seed=100 + number)
            own_s, own = timed(partial(ours_of, query, texts))
            their_s, their = timed(partial(theirs_of, query, texts))
            if number:  # the first round warms both up
                ours.append(_PAIRS / own_s)
                theirs.append(_PAIRS / their_s)
                same.append(_top(own) == _top(their))
        runner.run(reranker.close())
    return _Comparison(
        statistics.median(ours),
        statistics.median(theirs),
        statistics.fmean(same),
        reranker.card.precision,
    )


def _top(scores: Sequence[float | None]) -> frozenset[int]:
    order = np.argsort(-np.array(scores, np.float64), kind="stable")
    return frozenset(int(index) for index in order[:_TOP])

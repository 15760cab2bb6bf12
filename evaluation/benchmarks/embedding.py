"""Embedding passages, beside SentenceTransformer.encode with its defaults."""

import asyncio
import statistics

from evaluation.benchmarks.figures import Figure, timed
from evaluation.benchmarks.models import bi_encoder_folder
from evaluation.benchmarks.texts import passages
from services.models.embedder import InProcessEmbedder
from services.models.loading import load_bi_encoder
from services.ports.models import Passage
from services.settings import Settings

_ROUNDS = 5
_PASSAGES = 96
_WORDS = 120
_TIMES_FASTER = 3.0


def embedding(settings: Settings) -> list[Figure]:
    """Passages a second of both, in rounds that alternate; the median of the rounds."""
    from sentence_transformers import SentenceTransformer

    baseline = SentenceTransformer(str(bi_encoder_folder(settings)), device="cpu")
    embedder = InProcessEmbedder(load_bi_encoder(settings))
    ours, theirs = [], []
    with asyncio.Runner() as runner:

        def round_s(texts: list[str]) -> tuple[float, float]:
            mine = [Passage(text) for text in texts]
            own_s, _ = timed(lambda: runner.run(embedder.embed_passages(mine)))
            their_s, _ = timed(lambda: baseline.encode(texts, show_progress_bar=False))
            return own_s, their_s

        round_s(passages(_PASSAGES, _WORDS, seed=_ROUNDS))  # warms both up
        for number in range(_ROUNDS):
            own_s, their_s = round_s(passages(_PASSAGES, _WORDS, seed=number))
            ours.append(_PASSAGES / own_s)
            theirs.append(_PASSAGES / their_s)
        runner.run(embedder.close())
    return [
        Figure(
            f"embedding passages of {_WORDS} words, {embedder.encoder.card.precision}",
            statistics.median(ours),
            "passages/s",
            statistics.median(theirs),
            at_least=_TIMES_FASTER,
            enforced=embedder.encoder.card.precision == "bf16",
        )
    ]

"""Measures of ranked lists against judgments, by ir-measures (MacAvaney et al. 2022).

Ranks count, scores do not: a run is a list of document ids, best first, so that ties in
an engine's scores are broken as the user sees them and not by the measuring library.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.collections import Judgments

MEASURES = ("nDCG@10", "R@100", "RR@10", "P@3")

RankedLists = Mapping[str, Sequence[str]]
"""Document ids by query id, best first, none twice."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of one system, each from 0 to 1.

    Attributes:
        means: by measure, over every judged query; one without results counts 0.
        per_query: by query id, then measure.
    """

    means: Mapping[str, float]
    per_query: Mapping[str, Mapping[str, float]]


def measure(judgments: Judgments, lists: RankedLists) -> Measured:
    """Measure one system.

    nDCG takes the grade itself as gain and log2(rank + 1) as discount (Järvelin and
    Kekäläinen 2002, as trec_eval does); grades from 1 on are relevant for the others.
    """
    import ir_measures  # 50 ms that searches need not wait for

    names = {ir_measures.parse_measure(name): name for name in MEASURES}
    qrels = {query: dict(grades) for query, grades in judgments.items()}
    run = {query: _scores_by_rank(documents) for query, documents in lists.items()}
    per_query: dict[str, dict[str, float]] = {
        query: dict.fromkeys(MEASURES, 0.0) for query in qrels
    }
    for metric in ir_measures.iter_calc(list(names), qrels, run):
        per_query[metric.query_id][names[metric.measure]] = float(metric.value)
    means = {
        name: float(np.mean([values[name] for values in per_query.values()])) for name in MEASURES
    }
    return Measured(means, per_query)


def percentile_ms(seconds: Sequence[float], percent: float) -> float:
    """A percentile of durations, interpolated between neighbours, in milliseconds."""
    return float(np.percentile(np.asarray(seconds), percent)) * 1_000


def _scores_by_rank(documents: Sequence[str]) -> dict[str, float]:
    return {document: float(len(documents) - place) for place, document in enumerate(documents)}

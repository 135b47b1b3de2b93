"""Scores of rankings, one for each query."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from taskzoo import Score
from taskzoo.metrics.base import CorpusMetric

CUT = 10


class RankingScores(CorpusMetric):
    """``RankingScores().compute([{"value": 0.9}], [{"query": "a", "value": 1.0}])``: nDCG@10, MRR and MAP.

    A unit is a query with all its rows; queries of which no passage is relevant do not count. Gains are the relevance
    itself (Jarvelin & Kekalainen 2002), and equal predictions share their gains, as in scikit-learn's ``ndcg_score``.
    For ``mrr`` and ``map`` any relevance above 0 is relevant, and of equal predictions the least relevant come first.
    """

    scores = (Score("ndcg@10"), Score("mrr"), Score("map"))

    def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
        """Shape ``[queries, 4]``: the three scores and 1; zeros for a query without anything relevant."""
        queries: dict[str, list[tuple[float, float]]] = {}
        for prediction, reference in zip(predictions, references, strict=True):
            queries.setdefault(reference["query"], []).append((prediction["value"], reference["value"]))
        return np.array([_scores(*np.array(rows).T) for rows in queries.values()], dtype=np.float64).reshape(-1, 4)

    def from_sums(self, total: np.ndarray) -> dict[str, float]:
        """Means over the queries."""
        means = total[:-1] / total[-1] if total[-1] else [math.nan] * 3
        return {score.name: float(mean) for score, mean in zip(self.scores, means, strict=True)}

    def details(self, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, Any]:
        """``queries``, and how many of them have ``nothing_relevant``."""
        counted = self.statistics(predictions, references)[:, -1]
        return {"queries": len(counted), "nothing_relevant": int((counted == 0).sum())}


def _scores(predicted: np.ndarray, gold: np.ndarray) -> list[float]:
    if not (gold > 0).any():
        return [0.0] * 4
    relevant = gold[np.lexsort((gold, -predicted))] > 0
    ranks = np.flatnonzero(relevant) + 1
    precisions = np.arange(1, len(ranks) + 1) / ranks
    return [_gain(predicted, gold) / _gain(gold, gold), 1 / ranks[0], float(precisions.mean()), 1.0]


def _gain(predicted: np.ndarray, gold: np.ndarray) -> float:
    """The discounted gain of the first ten, where equal predictions share theirs."""
    discounts = np.zeros(len(gold))
    discounts[:CUT] = 1 / np.log2(np.arange(2, min(CUT, len(gold)) + 2))
    group = np.unique(-predicted, return_inverse=True)[1].reshape(-1)
    sizes = np.bincount(group)
    ends = np.cumsum(sizes)
    sums = np.append(0.0, np.cumsum(discounts))
    shared = (sums[ends] - sums[ends - sizes]) / sizes
    return float(gold @ shared[group])

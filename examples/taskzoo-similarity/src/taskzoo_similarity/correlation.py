"""Correlations of cosines with gold scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taskzoo import Metric, Score
from taskzoo.metrics.ranking import Ranks
from taskzoo.metrics.regression import Regression, correlation


class Correlations(Metric):
    """``Correlations().compute([{"value": 0.9}, {"value": 0.1}], [{"value": 5.0}, {"value": 1.0}])``.

    ``spearman`` reads the order of the cosines alone; ``pearson`` also wants them to lie on a line. Undefined (NaN)
    where one side is constant.
    """

    scores = (Score("spearman", range=(-1.0, 1.0)), Score("pearson", range=(-1.0, 1.0)))

    def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
        """Predicted and gold value, ``[examples, 2]``."""
        return Regression().statistics(predictions, references)

    def scorer(self, statistics: np.ndarray) -> Callable[[np.ndarray], dict[str, float]]:
        """Both correlations; sorts once."""
        predicted, gold = statistics.T
        predicted_ranks, gold_ranks = Ranks(predicted), Ranks(gold)

        def scores(weights: np.ndarray) -> dict[str, float]:
            spearman = correlation(predicted_ranks(weights), gold_ranks(weights), weights)
            return {"spearman": spearman, "pearson": correlation(predicted, gold, weights)}

        return scores

"""Scores of regression: errors, correlations and explained variance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from taskzoo.types import Metric, Prediction, Score, Scorer

from .base import check_finite, check_lengths, column, ratio
from .ranking import Ranks

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
WORST = 5


class Regression(Metric):
    """``Regression().compute(predictions=[{"value": 3.1}], references=[{"value": 3.0}])``.

    A score is NaN where it is undefined: all without examples, ``r2`` when gold is constant, correlations when
    predictions or gold are. Predictions and references have ``value``, a number. ``spearman`` (1904) gives tied values
    the mean of their ranks; ``r2`` is the coefficient of determination; ``mse_of_mean`` is the error of always
    predicting the mean of the training values, where that is given.

    Args:
        mean: of the training values; adds ``mse_of_mean``, in squared units of the value.
    """

    scores = (
        Score("mse", higher_is_better=False, range=(0.0, math.inf)),
        Score("rmse", higher_is_better=False, range=(0.0, math.inf)),
        Score("mae", higher_is_better=False, range=(0.0, math.inf)),
        Score("pearson", range=(-1.0, 1.0)),
        Score("spearman", range=(-1.0, 1.0)),
        Score("r2", range=(-math.inf, 1.0)),
        Score("mse_of_mean", higher_is_better=False, range=(0.0, math.inf)),
    )

    def __init__(self, mean: float | None = None) -> None:
        self.mean = mean

    by_row = True
    constant_name = "the mean"

    def constant(self, references: Sequence[Prediction]) -> Prediction | None:
        values = column(references, "value", "references")
        return {"value": float(np.mean(values))} if values else None

    def statistics(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> np.ndarray:
        """Predicted and gold value, shape ``[examples, 2]``, float64.

        Raises:
            DataError: unequal numbers of examples, or an example without a finite value (it is named, from 0).
        """
        check_lengths(predictions, references)
        values = [column(predictions, "value", "predictions"), column(references, "value", "references")]
        statistics = np.array(values, dtype=np.float64).T.reshape(-1, 2)
        check_finite(statistics, "values")
        return statistics

    def scorer(self, statistics: np.ndarray) -> Scorer:
        """All scores; sorts once."""
        predicted, gold = statistics.T
        squared, absolute = (predicted - gold) ** 2, abs(predicted - gold)
        predicted_ranks, gold_ranks = Ranks(predicted), Ranks(gold)

        def scores(weights: np.ndarray) -> dict[str, float]:
            total = float(weights.sum())
            mse = ratio(weights @ squared, total)
            found = {
                "mse": mse,
                "rmse": float(np.sqrt(mse)),
                "mae": ratio(weights @ absolute, total),
                "pearson": correlation(predicted, gold, weights),
                "spearman": correlation(predicted_ranks(weights), gold_ranks(weights), weights),
                "r2": 1 - ratio(mse, _variance(gold, weights)),
            }
            if self.mean is not None:
                found["mse_of_mean"] = ratio(weights @ (gold - self.mean) ** 2, total)
            return found

        return scores

    def details(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> dict[str, Any]:
        """``error_quantiles`` and ``worst``; an error is the predicted value minus gold.

        ``error_quantiles``: ``{"0.05": error, ...}``. ``worst``: the five examples with the largest errors,
        ``[{"index", "predicted", "gold", "error"}]``, index from 0.

        Raises:
            DataError: as :meth:`statistics`.
        """
        predicted, gold = self.statistics(predictions, references).T
        errors = predicted - gold
        quantiles = np.quantile(errors, QUANTILES).tolist() if len(errors) else [None] * len(QUANTILES)
        worst = np.argsort(-abs(errors), kind="stable")[:WORST].tolist()
        return {
            "error_quantiles": dict(zip(map(str, QUANTILES), quantiles, strict=True)),
            "worst": [
                {"index": i, "predicted": float(predicted[i]), "gold": float(gold[i]), "error": float(errors[i])}
                for i in worst
            ],
        }


def correlation(one: np.ndarray, two: np.ndarray, weights: np.ndarray) -> float:
    """Pearson's correlation of values with weights, from -1 to 1; NaN if one side is constant."""
    spread = _variance(one, weights) * _variance(two, weights)
    if not spread > 0:
        return float("nan")
    total = weights.sum()
    one, two = one - weights @ one / total, two - weights @ two / total
    covariance = (weights * one) @ two / total
    return float(np.clip(covariance / np.sqrt(spread), -1, 1))


def _variance(values: np.ndarray, weights: np.ndarray) -> float:
    """The mean squared distance from the mean; exactly 0 for a constant, 0 without examples."""
    counted = values[weights > 0]
    if not len(counted) or counted.min() == counted.max():
        return 0.0
    total = weights.sum()
    return float(weights @ (values - weights @ values / total) ** 2 / total)

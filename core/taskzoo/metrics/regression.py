"""Scores of regression: errors, correlations and explained variance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import datasets
import evaluate
import numpy as np

from .base import Scorer, WeightedMetric, check_finite, check_lengths, column, ratio
from .ranking import Ranks

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
WORST = 5

_DESCRIPTION = """\
Mean squared and absolute error, the linear correlation of Pearson, the rank correlation of Spearman (1904) and the
coefficient of determination."""

_CITATION = """\
@article{spearman1904proof,
  title = {The Proof and Measurement of Association between Two Things},
  author = {Spearman, Charles},
  journal = {The American Journal of Psychology},
  volume = {15},
  number = {1},
  pages = {72--101},
  year = {1904}
}"""

_INPUTS = """
Args:
    predictions: one dict per example: "value", a number. Further keys are ignored.
    references: the same, gold.

Returns:
    mse, rmse, mae; pearson and spearman (tied values share the mean of their ranks), from -1 to 1; r2, at most 1.
    mse_of_mean: the mean squared error of always predicting the mean of the training values, where that is given.
"""


class Regression(WeightedMetric):
    """``Regression().compute(predictions=[{"value": 3.1}], references=[{"value": 3.0}])``.

    A score is NaN where it is undefined: all without examples, ``r2`` when gold is constant, correlations when
    predictions or gold are.

    Args:
        mean: of the training values; adds ``mse_of_mean``, in squared units of the value.
        **kwargs: of ``evaluate.Metric``.
    """

    def __init__(self, mean: float | None = None, **kwargs: Any) -> None:
        self.mean = mean
        super().__init__(**kwargs)

    def _info(self) -> evaluate.MetricInfo:
        example = {"value": datasets.Value("float64")}
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_INPUTS,
            features=datasets.Features({"predictions": example, "references": example}),
        )

    def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
        """Predicted and gold value, shape ``[examples, 2]``, float64.

        Raises:
            DataError: unequal numbers of examples, or an example without a finite value (it is named, from 0).
        """
        check_lengths(predictions, references)
        values = [column(predictions, "value", "predictions"), column(references, "value", "references")]
        statistics = np.array(values, dtype=np.float64).T.reshape(-1, 2)
        check_finite(statistics, "values")
        return statistics

    def weighted_scores(self, statistics: np.ndarray, weights: np.ndarray) -> dict[str, float]:
        """All scores when example ``i`` counts ``weights[i]`` times."""
        return self.scorer(statistics)(weights)

    def scorer(self, statistics: np.ndarray) -> Scorer:
        """:meth:`weighted_scores` of these statistics; sorts once."""
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
                "pearson": _correlation(predicted, gold, weights),
                "spearman": _correlation(predicted_ranks(weights), gold_ranks(weights), weights),
                "r2": 1 - ratio(mse, _variance(gold, weights)),
            }
            if self.mean is not None:
                found["mse_of_mean"] = ratio(weights @ (gold - self.mean) ** 2, total)
            return found

        return scores

    def details(self, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, Any]:
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


def _correlation(one: np.ndarray, two: np.ndarray, weights: np.ndarray) -> float:
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

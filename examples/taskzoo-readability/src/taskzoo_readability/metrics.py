"""Mean squared error, mean absolute error and Pearson's correlation, from sums over examples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import datasets
import evaluate
import numpy as np

from taskzoo.metrics.base import CorpusMetric


class Regression(CorpusMetric):
    """``Regression().compute(predictions=[{"text": ..., "grade": 3.1}], references=[...])``."""

    def _info(self) -> evaluate.MetricInfo:
        example = {"text": datasets.Value("string"), "grade": datasets.Value("float64")}
        return evaluate.MetricInfo(
            description="Mean squared error, mean absolute error and Pearson's correlation of grades.",
            citation="",
            inputs_description="predictions and references: one dict per text with 'text' and 'grade'.",
            features=datasets.Features({"predictions": example, "references": example}),
        )

    def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
        """Shape ``[examples, 8]``: 1, error squared, error absolute, p, r, p squared, r squared, p times r."""
        p = np.array([prediction["grade"] for prediction in predictions], dtype=np.float64)
        r = np.array([reference["grade"] for reference in references], dtype=np.float64)
        return np.stack([np.ones_like(p), (p - r) ** 2, abs(p - r), p, r, p * p, r * r, p * r], axis=1)

    def scores(self, total: np.ndarray) -> dict[str, float]:
        """Scores from summed statistics of shape ``[8]``; the correlation with a constant is 0."""
        n, squared, absolute, p, r, pp, rr, pr = (float(value) for value in total)
        if not n:
            return {"mse": 0.0, "mae": 0.0, "pearson": 0.0}
        spread = max(pp - p * p / n, 0.0) * max(rr - r * r / n, 0.0)
        pearson = (pr - p * r / n) / math.sqrt(spread) if spread > 1e-12 else 0.0
        return {"mse": squared / n, "mae": absolute / n, "pearson": max(-1.0, min(1.0, pearson))}

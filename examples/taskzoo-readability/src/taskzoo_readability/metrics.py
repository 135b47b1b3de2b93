"""Mean squared error, mean absolute error and Pearson's correlation, from sums over examples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from taskzoo import Score
from taskzoo.metrics.base import CorpusMetric


class Regression(CorpusMetric):
    """``Regression().compute([{"text": ..., "grade": 3.1}], [{"text": ..., "grade": 3.0}])``."""

    scores = (
        Score("mse", higher_is_better=False, range=(0.0, math.inf), unit="grades squared"),
        Score("mae", higher_is_better=False, range=(0.0, math.inf), unit="grades"),
        Score("pearson", range=(-1.0, 1.0)),
    )

    def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
        """Shape ``[examples, 8]``: 1, error squared, error absolute, p, r, p squared, r squared, p times r."""
        p = np.array([prediction["grade"] for prediction in predictions], dtype=np.float64)
        r = np.array([reference["grade"] for reference in references], dtype=np.float64)
        return np.stack([np.ones_like(p), (p - r) ** 2, abs(p - r), p, r, p * p, r * r, p * r], axis=1)

    def from_sums(self, total: np.ndarray) -> dict[str, float]:
        """Scores from summed statistics of shape ``[8]``; the correlation with a constant is undefined."""
        n, squared, absolute, p, r, pp, rr, pr = (float(value) for value in total)
        if not n:
            return dict.fromkeys(("mse", "mae", "pearson"), math.nan)
        spread = max(pp - p * p / n, 0.0) * max(rr - r * r / n, 0.0)
        pearson = (pr - p * r / n) / math.sqrt(spread) if spread > 1e-12 else math.nan
        return {"mse": squared / n, "mae": absolute / n, "pearson": max(-1.0, min(1.0, pearson))}

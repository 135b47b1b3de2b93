"""Whether a model knows which outputs are good: the rank correlation of its own scores with those of a metric."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taskzoo.types import Metric, Prediction, Score, Scorer

from .pairs import text_pairs
from .ranking import Ranks
from .regression import correlation

SentenceScore = Callable[[str, Sequence[str]], float]
"""From an output and its references to a number, higher for better outputs."""


class QualityEstimate(Metric):
    """``score_spearman``: Spearman's correlation of ``score`` of predictions with ``of(text, targets)``.

    1: the better a row's output, the higher its score; 0: the score says nothing. Predictions without ``score`` (of a
    baseline) do not count. NaN where either side is constant, or nothing counts.

    Args:
        of: the score of a single output.
        name: what that is, for people.
    """

    scores = (Score("score_spearman", range=(-1.0, 1.0)),)

    def __init__(self, of: SentenceScore, name: str) -> None:
        self._of, self.name = of, name

    def statistics(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> np.ndarray:
        """Shape ``[examples, 3]``, float64: 1 if the example counts, its score, and that of the metric; else 0.

        Raises:
            DataError: unequal numbers of examples, or one without a text or a target (it is named, from 0).
        """
        rows = []
        for prediction, (text, targets) in zip(predictions, text_pairs(predictions, references), strict=True):
            score = prediction.get("score")
            rows.append([0.0, 0.0, 0.0] if score is None else [1.0, float(score), self._of(text, targets)])
        return np.asarray(rows, dtype=np.float64).reshape(-1, 3)

    def scorer(self, statistics: np.ndarray) -> Scorer:
        """Sorts once."""
        counted = statistics[:, 0] > 0
        scores, values = Ranks(statistics[counted, 1]), Ranks(statistics[counted, 2])

        def correlated(weights: np.ndarray) -> dict[str, float]:
            weights = weights[counted]
            found = correlation(scores(weights), values(weights), weights) if weights.any() else float("nan")
            return {"score_spearman": found}

        return correlated

    def details(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> dict[str, Any]:
        """``score_spearman_of``: what the scores are compared with."""
        return {"score_spearman_of": f"{self.name} of each row"}

"""Sets of labels: how often the right one is inside, and how large they are."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from taskzoo.types import Prediction, Score

from .base import CorpusMetric, check_lengths, column, ratio


class SetScores(CorpusMetric):
    """``set_coverage_90``, the share of examples whose gold label is in the set, and ``set_size_90``, the mean size.

    Predictions have ``_label_set``, a list of labels; those without one (of a baseline) do not count. References have
    ``label``. A score is NaN where nothing counts.

    Args:
        coverage: that the sets were made for, which gives the scores their names.
    """

    by_row = True

    def __init__(self, coverage: float) -> None:
        self.coverage = coverage
        percent = f"{100 * coverage:g}"
        self.scores = (
            Score(f"set_coverage_{percent}"),
            Score(f"set_size_{percent}", higher_is_better=False, range=(1.0, math.inf), unit="labels"),
        )

    def statistics(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> np.ndarray:
        """Shape ``[examples, 3]``, float64: 1 if the example counts; 1 if its gold label is in the set; the set's size.

        Raises:
            DataError: unequal numbers of examples, or an example without a label (it is named, from 0).
        """
        check_lengths(predictions, references)
        rows = []
        for prediction, gold in zip(predictions, column(references, "label", "references"), strict=True):
            found = prediction.get("_label_set")
            rows.append([0.0, 0.0, 0.0] if found is None else [1.0, float(gold in found), float(len(found))])
        return np.asarray(rows, dtype=np.float64).reshape(-1, 3)

    def from_sums(self, total: np.ndarray) -> dict[str, float]:
        """The share and the mean from summed statistics."""
        return {score.name: ratio(value, total[0]) for score, value in zip(self.scores, total[1:], strict=True)}

    def details(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> dict[str, Any]:
        """``label_sets``: ``{"asked": coverage, "sizes": {size: rows}}``, of the predictions that have a set."""
        sizes = Counter(len(p["_label_set"]) for p in predictions if p.get("_label_set") is not None)
        return {"label_sets": {"asked": self.coverage, "sizes": {str(size): sizes[size] for size in sorted(sizes)}}}

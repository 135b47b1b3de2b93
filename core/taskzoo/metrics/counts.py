"""Precision, recall and F1 from how often labels are right, predicted and gold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .base import ratio


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """How often each label is right (true positives), predicted and gold; arrays of shape ``[labels]``, maybe weighted.

    Precision without predictions, and recall without gold, are 0, as in scikit-learn.
    """

    right: np.ndarray
    predicted: np.ndarray
    gold: np.ndarray

    @property
    def precision(self) -> np.ndarray:
        return _divide(self.right, self.predicted)

    @property
    def recall(self) -> np.ndarray:
        return _divide(self.right, self.gold)

    @property
    def f1(self) -> np.ndarray:
        return _divide(2 * self.right, self.predicted + self.gold)

    def macro(self, values: np.ndarray, always: int = 0) -> float:
        """The mean of ``values`` over the labels that are predicted or gold at all, and the first ``always`` of all.

        NaN if none is predicted or gold.
        """
        occurs = self.predicted + self.gold > 0
        if occurs.any():
            occurs[:always] = True
        return ratio(values[occurs].sum(), float(occurs.sum()))

    def weighted(self, values: np.ndarray) -> float:
        """The mean of ``values`` with the gold counts as weights; NaN without gold."""
        return ratio(values @ self.gold, self.gold.sum())

    def micro(self) -> tuple[float, float, float]:
        """Precision, recall and F1 of all labels together; NaN if none is predicted or gold."""
        right, predicted, gold = (float(counts.sum()) for counts in (self.right, self.predicted, self.gold))
        if not predicted + gold:
            return (float("nan"),) * 3
        return right / predicted if predicted else 0.0, right / gold if gold else 0.0, 2 * right / (predicted + gold)


def _divide(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    quotient: np.ndarray = np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
    return quotient

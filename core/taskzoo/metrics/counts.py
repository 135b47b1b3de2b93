"""Precision, recall and F1 from how often labels are right, predicted and gold."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .base import ratio


@dataclass(frozen=True)
class LabelCounts:
    """How often each label is right (true positives), predicted and gold; arrays of shape ``[labels]``, maybe weighted.

    Precision without predictions, and recall without gold, are 0, as in scikit-learn.
    """

    right: np.ndarray
    predicted: np.ndarray
    gold: np.ndarray

    @cached_property
    def precision(self) -> np.ndarray:
        return _divide(self.right, self.predicted)

    @cached_property
    def recall(self) -> np.ndarray:
        return _divide(self.right, self.gold)

    @cached_property
    def f1(self) -> np.ndarray:
        return _divide(2 * self.right, self.predicted + self.gold)

    @cached_property
    def _occurs(self) -> np.ndarray:
        occurs: np.ndarray = self.predicted + self.gold > 0
        return occurs

    def macro(self, values: np.ndarray, always: int = 0) -> float:
        """The mean of ``values`` over the labels that are predicted or gold at all, and the first ``always`` of all.

        NaN if none is predicted or gold.
        """
        occurs = self._occurs
        if always and occurs.any():
            occurs = occurs.copy()
            occurs[:always] = True
        return ratio(values[occurs].sum(), float(np.count_nonzero(occurs)))

    def weighted(self, values: np.ndarray) -> float:
        """The mean of ``values`` with the gold counts as weights; NaN without gold."""
        return ratio(values @ self.gold, self.gold.sum())

    def micro(self) -> tuple[float, float, float]:
        """Precision, recall and F1 of all labels together; NaN where nothing is predicted, gold, or either."""
        right, predicted, gold = (float(counts.sum()) for counts in (self.right, self.predicted, self.gold))
        return ratio(right, predicted), ratio(right, gold), ratio(2 * right, predicted + gold)


def _divide(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    quotient: np.ndarray = np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
    return quotient

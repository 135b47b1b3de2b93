"""Scores of rankings when examples have weights; sorting happens once, each weighting is linear in the examples."""

from __future__ import annotations

import numpy as np


class Ranking:
    """Area under the ROC curve and average precision of one ranking per label.

    Ties share a threshold: a tied pair is half right in the area (Mann-Whitney), and average precision is the step-wise
    sum ``sum((R_n - R_{n-1}) * P_n)`` without interpolation, both as in scikit-learn.

    Args:
        scores: shape ``[examples, labels]``, higher means more likely.
        gold: true where the label is right, same shape.
    """

    def __init__(self, scores: np.ndarray, gold: np.ndarray) -> None:
        examples, self.labels = scores.shape
        order = np.argsort(scores, axis=0, kind="stable").T  # [labels, examples], ascending
        ranked = np.take_along_axis(scores.T, order, axis=1)
        first = np.ones(ranked.shape, dtype=bool)  # of its tie
        first[:, 1:] = ranked[:, 1:] != ranked[:, :-1]
        starts = np.flatnonzero(first)  # in the rankings of all labels one after the other
        tie = np.cumsum(first.ravel()) - 1
        ends = np.append(starts[1:], first.size)

        self.order = order.ravel()
        positives = np.flatnonzero(np.take_along_axis(gold.T, order, axis=1))
        self.rows, self.label = self.order[positives], positives // max(examples, 1)
        self.begin, self.end = self.label * examples, (self.label + 1) * examples
        self.low, self.high = starts[tie[positives]], ends[tie[positives]]
        # the same bounds among the positives alone
        self.bounds = tuple(np.searchsorted(positives, at) for at in (self.begin, self.low, self.high, self.end))

    def __call__(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Area and average precision per label, shape ``[labels]``; NaN for a label without both kinds of gold."""
        everything = _running(weights[self.order])
        weight = weights[self.rows]
        positive = _running(weight)
        begin, low, high, end = (positive[at] for at in self.bounds)
        start, least = everything[self.begin], everything[self.low]
        below = least - start - (low - begin)  # negatives ranked below
        tied = everything[self.high] - least - (high - low)
        found = everything[self.end] - least  # at this threshold

        def per_label(values: np.ndarray) -> np.ndarray:
            return np.bincount(self.label, values, minlength=self.labels)

        positives = per_label(weight)
        negatives = weights.sum() - positives
        both = (positives > 0) & (negatives > 0)
        precision = np.divide(end - low, found, out=np.zeros(len(found)), where=found > 0)
        area, average = (np.full(self.labels, np.nan) for _ in range(2))
        np.divide(per_label(weight * (below + tied / 2)), positives * negatives, out=area, where=both)
        np.divide(per_label(weight * precision), positives, out=average, where=both)
        return area, average


class Ranks:
    """Average ranks of values in which each counts as often as its weight; a tie shares the mean of its ranks."""

    def __init__(self, values: np.ndarray) -> None:
        self.group = np.unique(values, return_inverse=True)[1].reshape(-1)

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        """Shape ``[examples]``; rank 1 is the lowest."""
        sizes = np.bincount(self.group, weights)
        ranks: np.ndarray = (np.cumsum(sizes) - (sizes - 1) / 2)[self.group]
        return ranks


def _running(values: np.ndarray) -> np.ndarray:
    """Running sums: ``[0, v0, v0 + v1, ...]``."""
    sums = np.zeros(len(values) + 1)
    np.cumsum(values, out=sums[1:])
    return sums

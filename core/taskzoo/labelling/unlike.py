"""How unlike the training rows a row is, for predictions that do not say how sure they are, such as numbers."""

from __future__ import annotations

import numpy as np

from .doubt import Doubt

MOST = 20_000
"""Training rows that are compared with at most, in their order."""
SHARE = 0.01
"""The ridge, as a share of the mean variance of vectors."""


class Unlikeness:
    """The variance that a linear model on vectors has at a row (its leverage), up to a factor.

    Args:
        train: vectors of the training rows ``[N, H]``; ``None``: unknown, and then all rows are alike.
    """

    def __init__(self, train: np.ndarray | None) -> None:
        self._inverse: np.ndarray | None = None
        if train is not None:
            train = train[:MOST].astype(np.float64)
            self._mean = train.mean(0)
            centred = train - self._mean
            squares = centred.T @ centred
            ridge = SHARE * max(float(np.trace(squares)), 1e-9) / len(squares)
            self._inverse = np.linalg.inv(squares + ridge * np.eye(len(squares)))

    def __call__(self, vectors: np.ndarray) -> list[Doubt]:
        """For each of ``vectors`` ``[N, H]``."""
        if self._inverse is None:
            return [Doubt(1.0, "unlike the others")] * len(vectors)
        centred = vectors - self._mean
        values = ((centred @ self._inverse) * centred).sum(1)
        return [Doubt(float(value), "unlike the training rows") for value in values]

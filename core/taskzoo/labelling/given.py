"""Labels as they were given, each beside what a model says that has not seen it."""

from __future__ import annotations

from dataclasses import dataclass
from math import lgamma, log, pi
from typing import Self

import numpy as np

from .noise import Labels, Pool

ALONE = "their label occurs in one fold only, whose rows cannot check one another"
"""Why a label is not checked: a model that has never seen it finds it wrong in any case."""
FREEDOM = 10
"""Degrees of freedom of the errors of numbers."""


@dataclass(frozen=True, slots=True)
class GivenLabel:
    """One label.

    Args:
        row: the index of its row.
        given: the label, for people.
        likely: what the model finds likeliest, likewise.
        problem: how they differ, where there are several ways; ``""``: in the label itself.
        words: numbers of the words that it is about, first and last exclusive; ``None``: the whole row.
    """

    row: int
    given: str
    likely: str
    problem: str = ""
    words: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """The labels of all rows.

    Args:
        unit: what one of them is called.
        labels: one by one.
        parts: what is known of them, or of what they are made of.
        pool: from the chances of parts to those of labels.
        agreeing: how many of them are as the model has them.
        unchecked: why labels could not be checked -> how many.
    """

    unit: str
    labels: list[GivenLabel]
    parts: Labels
    pool: Pool
    agreeing: int
    unchecked: dict[str, int]


def in_one_fold(given: np.ndarray, folds: np.ndarray, count: int) -> np.ndarray:
    """For each of ``count`` ids whether its places in ``given`` lie in fewer than two ``folds``; both ``[M]``."""
    known = given >= 0
    pairs = np.unique(np.stack([given[known], folds[known]]), axis=1)
    return np.asarray(np.bincount(pairs[0].astype(np.int64), minlength=count) < 2)


class ClassLabels(Labels):
    """One of several classes each; the spread is the logarithm of a temperature.

    Args:
        logits: ``[M, L]``.
        given: ids ``[M]``.
        by_chance: how frequent the given classes are, ``[M]``.
    """

    def __init__(self, logits: np.ndarray, given: np.ndarray, by_chance: np.ndarray) -> None:
        self._logits, self._given, self.by_chance = logits - logits.max(1, keepdims=True), given, by_chance

    def likely(self, spread: float) -> np.ndarray:
        weights = np.exp(self._logits / np.exp(spread))
        found: np.ndarray = weights[np.arange(len(weights)), self._given] / weights.sum(1)
        return found

    def take(self, indices: np.ndarray) -> Self:
        return type(self)(self._logits[indices], self._given[indices], self.by_chance[indices])


class BinaryLabels(Labels):
    """Yes or no each; the spread is the logarithm of a temperature.

    Args:
        logits: of what is given, ``[M]``: those of yes, or their negatives.
        by_chance: how frequent yes or no is, ``[M]``.
    """

    def __init__(self, logits: np.ndarray, by_chance: np.ndarray) -> None:
        self._logits, self.by_chance = logits, by_chance

    def likely(self, spread: float) -> np.ndarray:
        return np.asarray(1 / (1 + np.exp(np.clip(-self._logits / np.exp(spread), -80, 80))))

    def take(self, indices: np.ndarray) -> Self:
        return type(self)(self._logits[indices], self.by_chance[indices])


class NumberLabels(Labels):
    """A number each; the spread is the logarithm of the deviation of its error.

    The error has Student's distribution, whose tails are heavier than normal: large errors need not be wrong numbers.
    With ``usual``, numbers are as frequent as all given ones are, but for being near to the predicted one: so it is for
    stars, which have a least and a greatest.

    Args:
        given: the numbers, ``[M]``, in their deviations.
        predicted: what the model says, likewise.
        by_chance: the density of the given numbers, ``[M]``.
        usual: numbers that are spread as all given ones are, ``[Q]``.
    """

    discrete = False
    spreads = (-6.0, 2.0)

    def __init__(
        self, given: np.ndarray, predicted: np.ndarray, by_chance: np.ndarray, usual: np.ndarray | None = None
    ) -> None:
        self._given, self._predicted, self.by_chance, self._usual = given, predicted, by_chance, usual

    def likely(self, spread: float) -> np.ndarray:
        own = _log_student((self._given - self._predicted) / np.exp(spread))
        if self._usual is None:
            return np.asarray(np.exp(own - spread))
        others = _log_student((self._usual - self._predicted[:, None]) / np.exp(spread))  # [M, Q]
        return np.asarray(self.by_chance * np.exp(own) / np.exp(others).mean(1))

    def take(self, indices: np.ndarray) -> Self:
        return type(self)(self._given[indices], self._predicted[indices], self.by_chance[indices], self._usual)


def _log_student(errors: np.ndarray) -> np.ndarray:
    """The logarithm of the density of Student's distribution with :data:`FREEDOM` degrees."""
    constant = lgamma((FREEDOM + 1) / 2) - lgamma(FREEDOM / 2) - 0.5 * log(FREEDOM * pi)
    return np.asarray(constant - (FREEDOM + 1) / 2 * np.log1p(errors**2 / FREEDOM))

"""How many labels are wrong, and which: the model's own probabilities, and a share of labels that are as chance has it.

Every given label is taken to be either one that the model could give, or, with the chance ``share``, that of any row.
A label that the model finds far less likely than chance makes it is therefore wrong. How sure the model is in earnest
(its temperature, or the deviation of its numbers) and the share are fitted together, the share with a prior: its
likelihood on a grid gives the intervals. For numbers this is a contaminated distribution (Box & Tiao 1968),
for classes a softmax with label noise (Bootkrajang & Kaban 2012); probabilities must be those of rows that the model
has not seen, as in confident learning (Northcutt et al. 2021).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

SHARES = np.concatenate([[0.0], np.geomspace(5e-4, 0.5, 30)])
"""Shares of wrong labels that are tried."""
USUAL = 0.05
"""The mean of the prior of the share, an exponential one: in published data sets a few percent of labels are wrong."""
MOST_FITTED = 20_000
"""Labels that the share is fitted on at most, drawn by chance."""
_DRAWS = 2000
_LEAST_WEIGHT = 1e-4
_TINY = 1e-30

Value = tuple[float, float, float]
"""A number and its 95% interval."""
Pool = Callable[[np.ndarray], np.ndarray]
"""From chances of parts to those of what they are parts of."""


class Labels(ABC):
    """Given labels with what a model that has not seen them says.

    Attributes:
        by_chance: the probability, or density, of each given label as that of any row, ``[M]``.
        discrete: whether a label that chance has put there may be the right one, as a class may and a number cannot.
        spreads: the least and greatest logarithm of the spread.
    """

    by_chance: np.ndarray
    discrete: ClassVar[bool] = True
    spreads: ClassVar[tuple[float, float]] = (-3.0, 3.0)

    @abstractmethod
    def likely(self, spread: float) -> np.ndarray:
        """The probability, or density, of each given label if it is right, ``[M]``; ``spread``: a logarithm."""

    @abstractmethod
    def take(self, indices: np.ndarray) -> Self:
        """Those at ``indices``."""

    def wrong(self, share: float, spread: float) -> np.ndarray:
        """The chance that each label is wrong, ``[M]``."""
        likely = self.likely(spread)
        by_chance = share * self.by_chance
        other = by_chance * (1 - likely) if self.discrete else by_chance
        return np.asarray(other / ((1 - share) * likely + by_chance + _TINY))

    def cost(self, share: float, spread: float) -> float:
        """The negative log-likelihood; a weak prior, ``N(0, 1)``, keeps ``spread`` near 0."""
        return 0.5 * spread**2 - float(np.log((1 - share) * self.likely(spread) + share * self.by_chance + _TINY).sum())


@dataclass(frozen=True, slots=True)
class Noise:
    """How many labels are wrong, and how likely each is.

    Args:
        chances: that each label is wrong, ``[M]``.
        wrong: how many are, with its interval.
        agrees: by what share of wrong labels and which spread the labels are explained, each with its probability.
        parts: the labels, or what they are made of.
        pool: from the chances of these to those of labels.
    """

    chances: np.ndarray
    wrong: Value
    agrees: Sequence[tuple[float, float, float]]
    parts: Labels
    pool: Pool

    def precisions(self, order: np.ndarray, sizes: Sequence[int]) -> list[Value]:
        """The share of wrong labels among the first of ``order``, for each of ``sizes``, which are 1 or more."""
        found: list[list[tuple[float, float, float]]] = [[] for _ in sizes]
        for share, spread, weight in self.agrees:
            first = self.pool(self.parts.wrong(share, spread))[order[: max(sizes, default=0)]]
            for place, size in enumerate(sizes):
                found[place].append((weight, *_moments(first[:size])))
        return [
            (mean / size, low / size, high / size)
            for (mean, low, high), size in zip(map(_sum_up, found, sizes), sizes, strict=True)
        ]


def fit_noise(parts: Labels, pool: Pool = lambda chances: chances, *, seed: int = 0) -> Noise:
    """The share of wrong labels and the chance of each; ``pool`` makes the chances of labels of those of ``parts``."""
    fitted = _sampled(parts, seed)
    spreads, costs = zip(*(_best_spread(fitted, share) for share in SHARES), strict=True)
    weights = np.exp(min(costs) - np.array(costs) - SHARES / USUAL) * np.gradient(SHARES)
    weights /= weights.sum()
    agrees = [item for item in zip(SHARES.tolist(), spreads, weights.tolist(), strict=True) if item[2] > _LEAST_WEIGHT]
    chances: Any = 0.0
    sums = []
    for share, spread, weight in agrees:
        values = pool(parts.wrong(share, spread))
        chances = chances + weight * values
        sums.append((weight, *_moments(values)))
    return Noise(chances, _sum_up(sums, len(chances)), agrees, parts, pool)


def least_cost(labels: Labels) -> float:
    """How badly the labels are explained at best."""
    fitted = _sampled(labels, 0)
    return min(_best_spread(fitted, share)[1] for share in (0.0, 0.02, 0.05, 0.1, 0.2))


def _sampled(labels: Labels, seed: int) -> Labels:
    size = len(labels.by_chance)
    if size <= MOST_FITTED:
        return labels
    return labels.take(np.sort(np.random.default_rng(seed).permutation(size)[:MOST_FITTED]))


def _best_spread(labels: Labels, share: float) -> tuple[float, float]:
    """The likeliest spread at a share of wrong labels, and its cost."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda spread: labels.cost(share, spread), bounds=labels.spreads, method="bounded", options={"xatol": 0.02}
    )
    return float(found.x), float(found.fun)


def _moments(chances: np.ndarray) -> tuple[float, float]:
    """How many of these are wrong: mean and standard deviation."""
    return float(chances.sum()), float(np.sqrt((chances * (1 - chances)).sum()))


def _sum_up(parts: Sequence[tuple[float, float, float]], most: int) -> Value:
    """Mean and 95% interval, within 0 and ``most``, of normal distributions mixed: ``(weight, mean, deviation)``."""
    weights = np.array([weight for weight, _, _ in parts])
    chance = np.random.default_rng(0)
    drawn = chance.choice(len(parts), size=_DRAWS, p=weights / weights.sum())
    means, deviations = (np.array([part[i] for part in parts])[drawn] for i in (1, 2))
    low, high = np.percentile(chance.normal(means, deviations).clip(0, most), [2.5, 97.5])
    mean = float(sum(weight * middle for weight, middle, _ in parts) / weights.sum())
    return mean, float(min(low, mean)), float(max(high, mean))

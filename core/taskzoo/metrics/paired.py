"""How sure a difference between two models is, from the same units: examples, or groups of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from .intervals import bootstrap_replicates


def difference_interval(
    units: int,
    first: Callable[[np.ndarray], float],
    second: Callable[[np.ndarray], float],
    *,
    samples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """The central ``level`` interval of ``first - second`` when units are drawn with replacement.

    Both see the same draws (paired bootstrap: Efron & Tibshirani 1993; Koehn 2004), so what makes a unit hard for
    both does not blur the comparison.

    Args:
        units: their number, that of the metric's statistics.
        first: a score from weights of shape ``[units]``, out of what :meth:`taskzoo.types.Metric.scorer` gives.
        second: the same of the other model.
        samples: bootstrap replicates.
        level: mass of the interval.
        seed: of the draws.

    Returns:
        ``(low, high)``; NaN where the difference is never defined.
    """
    ours, theirs = (
        bootstrap_replicates(units, lambda drawn, one=one: {"": one(drawn)}, samples=samples, seed=seed).get("", ())  # type: ignore[misc]
        for one in (first, second)
    )
    return interval_of_pairs(ours, theirs, level=level)


def interval_of_pairs(first: Sequence[float], second: Sequence[float], *, level: float = 0.95) -> tuple[float, float]:
    """As :func:`difference_interval`, from the replicates of both, which are of the same draws."""
    defined = [a - b for a, b in zip(first, second, strict=True) if not np.isnan(a - b)]
    if not defined:
        return float("nan"), float("nan")
    tail = 100 * (1 - level) / 2
    low, high = np.percentile(defined, [tail, 100 - tail])
    return float(low), float(high)


def expanded_level(units: int, level: float = 0.95) -> float:
    """The level at which a percentile interval of so few units covers about as often as ``level`` says.

    The expanded percentile interval of Hesterberg (2015): Student's quantile in place of the normal one, and the
    variance of a sample in place of that of a population. With many units it is ``level``.
    """
    from scipy.stats import norm, t

    return float(1 - 2 * norm.cdf(-math.sqrt(units / (units - 1)) * t.ppf(0.5 + level / 2, units - 1)))

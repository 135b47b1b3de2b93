"""How sure a difference between two models is, from the same units: examples, or groups of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


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
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(samples if units else 0):
        drawn = np.bincount(generator.integers(units, size=units), minlength=units).astype(np.float64)
        found.append(first(drawn) - second(drawn))
    defined = [value for value in found if not np.isnan(value)]
    if not defined:
        return float("nan"), float("nan")
    tail = 100 * (1 - level) / 2
    low, high = np.percentile(defined, [tail, 100 - tail])
    return float(low), float(high)

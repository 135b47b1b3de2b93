"""Percentile bootstrap confidence intervals over examples (Efron & Tibshirani 1993, ch. 13)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def bootstrap_intervals(
    statistics: np.ndarray,
    scores: Callable[[np.ndarray], dict[str, float]],
    *,
    samples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """The central ``level`` interval of every score when examples are drawn with replacement.

    Args:
        statistics: additive statistics, shape ``[examples, k]``.
        scores: maps a total of shape ``[k]`` to named scores.
        samples: bootstrap replicates.
        level: mass of the interval, between 0 and 1.
        seed: of the resampling; the same data and seed give the same interval.

    Returns:
        name -> ``(low, high)``; empty when there are no examples.
    """
    examples = len(statistics)
    if examples == 0:
        return {}
    generator = np.random.default_rng(seed)
    replicates: dict[str, list[float]] = {}
    for _ in range(samples):
        drawn = np.bincount(generator.integers(examples, size=examples), minlength=examples)
        for name, value in scores(drawn @ statistics).items():
            replicates.setdefault(name, []).append(value)
    tail = 100 * (1 - level) / 2
    intervals = {}
    for name, values in replicates.items():
        low, high = np.nanpercentile(values, [tail, 100 - tail])
        intervals[name] = (float(low), float(high))
    return intervals

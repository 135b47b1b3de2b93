"""Percentile bootstrap intervals over units: examples, or groups of them (Efron & Tibshirani 1993, ch. 13)."""

from __future__ import annotations

import numpy as np

from taskzoo.types import Scorer


def bootstrap_intervals(
    units: int,
    scores: Scorer,
    *,
    samples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """The central ``level`` interval of every score when units are drawn with replacement.

    Args:
        units: their number, that of the metric's statistics.
        scores: maps weights of shape ``[units]``, float64, to named scores, as :meth:`taskzoo.types.Metric.scorer`
            gives it. The weights say how often each unit was drawn.
        samples: bootstrap replicates.
        level: mass of the interval, between 0 and 1.
        seed: of the resampling; the same data and seed give the same interval.

    Returns:
        name -> ``(low, high)``, over the replicates in which the score is defined (not NaN), and NaN where it is
        defined in none; empty when there are no units.
    """
    if units == 0:
        return {}
    generator = np.random.default_rng(seed)
    replicates: dict[str, list[float]] = {}
    for _ in range(samples):
        drawn = np.bincount(generator.integers(units, size=units), minlength=units)
        for name, value in scores(drawn.astype(np.float64)).items():
            replicates.setdefault(name, []).append(value)
    tail = 100 * (1 - level) / 2
    intervals = {}
    for name, values in replicates.items():
        never = np.isnan(values).all()
        low, high = (np.nan, np.nan) if never else np.nanpercentile(values, [tail, 100 - tail])
        intervals[name] = (float(low), float(high))
    return intervals

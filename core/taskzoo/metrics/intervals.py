"""Percentile bootstrap intervals over units: examples, or groups of them (Efron & Tibshirani 1993, ch. 13).

Resampling says nothing where all units agree: every replicate is then 1, and the interval would be of width 0. At the
end of a score's range it is that of Wilson (1927) instead. A score that resampling makes worse or better, such as the
expected calibration error, may lie outside of its replicates: their interval is then moved to have it in its middle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist

import numpy as np

from taskzoo.types import Score, Scorer

_PROBED = 1000
"""Units that are tried one by one."""


def bootstrap_intervals(
    units: int,
    scores: Scorer,
    *,
    samples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    described: Sequence[Score] = (),
) -> dict[str, tuple[float, float]]:
    """The central ``level`` interval of every score when units are drawn with replacement.

    Args:
        units: their number, that of the metric's statistics.
        scores: maps weights of shape ``[units]``, float64, to named scores, as :meth:`taskzoo.types.Metric.scorer`
            gives it. The weights say how often each unit was drawn.
        samples: bootstrap replicates.
        level: mass of the interval, between 0 and 1.
        seed: of the resampling; the same data and seed give the same interval.
        described: the metric's scores, for their ranges.

    Returns:
        As :func:`replicate_intervals`.
    """
    replicates = bootstrap_replicates(units, scores, samples=samples, seed=seed)
    return replicate_intervals(units, scores, replicates, level=level, described=described)


def bootstrap_replicates(units: int, scores: Scorer, *, samples: int = 1000, seed: int = 0) -> dict[str, list[float]]:
    """Every score in each of ``samples`` replicates, the same draws for the same ``units`` and ``seed``.

    Scores of two models on the same units are so paired; empty when there are no units.
    """
    generator = np.random.default_rng(seed)
    replicates: dict[str, list[float]] = {}
    for _ in range(samples if units else 0):
        drawn = np.bincount(generator.integers(units, size=units), minlength=units)
        for name, value in scores(drawn.astype(np.float64)).items():
            replicates.setdefault(name, []).append(value)
    return replicates


def replicate_intervals(
    units: int,
    scores: Scorer,
    replicates: Mapping[str, Sequence[float]],
    *,
    level: float = 0.95,
    described: Sequence[Score] = (),
) -> dict[str, tuple[float, float]]:
    """The central ``level`` interval of every score over its ``replicates``; the rest as :func:`bootstrap_intervals`.

    Returns:
        name -> ``(low, high)``, which holds the score, over the replicates in which it is defined (not NaN), and NaN
        where it is defined in none or there is a single unit; empty when there are no units.
    """
    if units == 0:
        return {}
    tail = 100 * (1 - level) / 2
    found = scores(np.ones(units))
    intervals = {}
    for name, values in replicates.items():
        if np.isnan(values).all():
            intervals[name] = (float("nan"), float("nan"))
            continue
        low, middle, high = np.nanpercentile(values, [tail, 50, 100 - tail])
        value = found.get(name, float("nan"))
        least, most = next((score.range for score in described if score.describes(name)), (-np.inf, np.inf))
        if low == high == value and value in (least, most) and np.isfinite(most - least):
            width = (most - least) * _wilson(_deciding(units, scores, name, value), level)
            low, high = (value, value + width) if value == least else (value - width, value)
        elif units == 1:
            low, high, value = (float("nan"),) * 3  # nothing to draw from
        elif value < low or value > high:
            low, high = max(least, low + value - middle), min(most, high + value - middle)
        intervals[name] = (float(min(low, value)), float(max(high, value))) if value == value else (low, high)
    return intervals


def _wilson(count: int, level: float) -> float:
    """The width of Wilson's interval for a share of 0 or 1 of ``count``."""
    z = NormalDist().inv_cdf(0.5 + level / 2)
    return z * z / (count + z * z)


def _deciding(units: int, scores: Scorer, name: str, value: float) -> int:
    """How many units have the score of all by themselves: for recall, those that have anything to find."""
    tried = np.unique(np.linspace(0, units - 1, min(units, _PROBED)).astype(int))
    alone = np.zeros(units)
    agreeing = 0
    for unit in tried:
        alone[unit] = 1.0
        agreeing += scores(alone).get(name) == value
        alone[unit] = 0.0
    return round(agreeing * units / len(tried)) or units

"""Scores of kept rows with their bootstrap replicates, which differences and means over runs are made of."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from taskzoo.metrics.intervals import bootstrap_replicates

from .scored_rows import Statistics

SAMPLES = 1000
"""Bootstrap replicates."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run on the rows of a comparison.

    Args:
        statistics: each metric with its statistics.
        scores: name -> value.
        replicates: name -> values in bootstrap replicates, the same draws for all runs of a comparison.
        units: name -> how many units the score's replicates were drawn from.
    """

    statistics: Statistics
    scores: Mapping[str, float]
    replicates: Mapping[str, np.ndarray]
    units: Mapping[str, int]


def measure(statistics_of: Statistics, wanted: Collection[str], samples: int = SAMPLES) -> Measured:
    """The ``wanted`` scores of rows, from the statistics of each metric."""
    scores: dict[str, float] = {}
    replicates: dict[str, np.ndarray] = {}
    units: dict[str, int] = {}
    kept = []
    for metric, statistics in statistics_of:
        scorer, count = metric.scorer(statistics), len(statistics)
        found = {name: float(value) for name, value in metric.of_all(statistics).items() if name in wanted}
        if not found:
            continue
        kept.append((metric, statistics))
        scores |= found
        units |= dict.fromkeys(found, count)
        if metric.resamples and count > 1:
            drawn = bootstrap_replicates(count, scorer, samples=samples)
            replicates |= {name: np.asarray(drawn[name]) for name in found}
    return Measured(kept, scores, replicates, units)

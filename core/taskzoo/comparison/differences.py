"""Differences between runs, with intervals and tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from taskzoo.metrics.paired import expanded_level, interval_of_pairs
from taskzoo.metrics.repeated import seeds_and_rows
from taskzoo.metrics.significance import randomization
from taskzoo.runs.measured import SAMPLES, Measured
from taskzoo.task import Task

from .result import Difference


def differences(
    first: Sequence[Measured], second: Sequence[Measured], names: Sequence[str], task: Task, samples: int = SAMPLES
) -> list[Difference]:
    """The difference of each score; of several seeds, paired in their order, that of the means."""
    if len(first) == 1:
        p_values = _p_values(first[0], second[0], samples)
        return [_of_rows(first[0], second[0], name, p_values.get(name), task) for name in names]
    return [_of_seeds(first, second, name, task) for name in names]


def _p_values(first: Measured, second: Measured, samples: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for (metric, ours), (_, theirs) in zip(first.statistics, second.statistics, strict=True):
        if metric.resamples:
            found |= randomization(metric, ours, theirs, samples=samples)
    return found


def _of_rows(first: Measured, second: Measured, name: str, p: float | None, task: Task) -> Difference:
    ends, error = None, float("nan")
    if name in first.replicates:
        pairs = first.replicates[name], second.replicates[name]
        spread = pairs[0] - pairs[1]
        defined = spread[~np.isnan(spread)]
        if len(defined) > 1 and not np.isnan(first.scores[name] - second.scores[name]):
            level = expanded_level(first.units[name])
            ends = interval_of_pairs(pairs[0].tolist(), pairs[1].tolist(), level=level)
            error = float(defined.std(ddof=1))
    higher = task.score_of(name).higher_is_better
    return Difference(name, first.scores[name], second.scores[name], ends, p, higher, error)


def _of_seeds(first: Sequence[Measured], second: Sequence[Measured], name: str, task: Task) -> Difference:
    ours, theirs = (np.array([one.scores[name] for one in side]) for side in (first, second))
    higher = task.score_of(name).higher_is_better
    means = float(ours.mean()), float(theirs.mean())
    if np.isnan(ours - theirs).any():
        return Difference(name, *means, None, None, higher)
    drawn = np.zeros((len(ours), 0))
    if all(name in one.replicates for one in (*first, *second)):
        pairs = zip(first, second, strict=True)
        drawn = np.stack([one.replicates[name] - two.replicates[name] for one, two in pairs])
    parts = seeds_and_rows((ours - theirs).tolist(), drawn, first[0].units[name])
    return Difference(name, *means, parts.interval(), parts.p_value, higher, parts.error)

"""Whether a difference between two models on the same units is more than chance; and how many rows would show it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from taskzoo.types import Metric

POWER = 0.8
"""Probability with which :func:`rows_needed` rows show a difference."""
LEVEL = 0.05
ROUNDING = 1e-10
"""Differences of scores are equal that differ by so much of the scores: sums in another order."""


def mcnemar(only_first: int, only_second: int) -> float:
    """The two-sided p-value of McNemar's test, exact: a binomial test of the rows that one model alone has right.

    McNemar (1947); exact as in Fagerland, Lydersen & Laake (2013). 1 without such rows.
    """
    from scipy.stats import binomtest

    discordant = only_first + only_second
    return float(binomtest(only_first, discordant).pvalue) if discordant else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values for several comparisons, in the order given (Holm 1979).

    A NaN is of a comparison that was not made: it stays, and does not count.
    """
    made = sorted((p, i) for i, p in enumerate(p_values) if not math.isnan(p))
    adjusted, highest = list(p_values), 0.0
    for rank, (p, i) in enumerate(made):
        highest = max(highest, min(1.0, p * (len(made) - rank)))
        adjusted[i] = highest
    return adjusted


def randomization(metric: Metric, first: Any, second: Any, *, samples: int = 1000, seed: int = 0) -> dict[str, float]:
    """Score -> the two-sided p-value of an approximate randomization test (Noreen 1989; Yeh 2000).

    In each sample, chance swaps the models' outputs unit by unit; p is the share of samples, the observed one among
    them, whose scores differ at least as much as the observed ones. Any score of a metric can be tested so.

    Args:
        metric: whose scores are compared.
        first: its statistics of one model, an array ``[units, ...]``.
        second: the same of the other.
        samples: how often outputs are swapped; the smallest p is ``1 / (samples + 1)``.
        seed: of the swaps.

    Returns:
        NaN where the observed difference is undefined; nothing for statistics that are not arrays.
    """
    if not isinstance(first, np.ndarray) or not isinstance(second, np.ndarray) or not len(first):
        return {}
    scorer, generator = metric.scorer(np.concatenate([first, second])), np.random.default_rng(seed)

    def both(swapped: np.ndarray) -> dict[str, tuple[float, float]]:
        """The models' scores after some units were swapped: weights choose among the units of both."""
        kept = 1.0 - swapped
        one, two = scorer(np.concatenate([kept, swapped])), scorer(np.concatenate([swapped, kept]))
        return {name: (one[name], two[name]) for name in one.keys() & two.keys()}

    as_they_are = both(np.zeros(len(first)))
    observed = {name: abs(one - two) for name, (one, two) in as_they_are.items()}
    rounding = {name: ROUNDING * max(abs(one), abs(two)) for name, (one, two) in as_they_are.items()}
    extreme = dict.fromkeys(observed, 1)
    for _ in range(samples):
        for name, (one, two) in both(generator.integers(2, size=len(first)).astype(np.float64)).items():
            extreme[name] += abs(one - two) >= observed[name] - rounding[name]
    return {n: float("nan") if math.isnan(observed[n]) else count / (samples + 1) for n, count in extreme.items()}


def rows_needed(
    rows: int, difference: float, error: float, *, power: float = POWER, level: float = LEVEL
) -> int | None:
    """About how many rows show a difference of this size with a probability of ``power``, two-sided at ``level``.

    By the normal approximation: the standard error falls with the root of the number of rows.

    Args:
        rows: that the difference was seen on.
        difference: its size.
        error: its standard error on these rows, of paired outputs.
        power: how probable it shall be that the test finds it.
        level: of the test.

    Returns:
        ``None`` where no number would do, or none is known: there is no difference, or no error.
    """
    if not difference or not error > 0 or not math.isfinite(difference):
        return None
    normal = NormalDist()
    return math.ceil(rows * ((normal.inv_cdf(1 - level / 2) + normal.inv_cdf(power)) * error / difference) ** 2)

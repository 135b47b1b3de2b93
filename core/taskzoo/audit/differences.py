"""Differences of two means or shares, with 95% intervals and p-values.

Shares: Fisher's exact test and Newcombe's interval (1998, method 10). Means: Welch's. The same rows twice: McNemar's
exact test and the interval of Agresti & Min (2005) for right and wrong, else Student's t.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np

from taskzoo.metrics.significance import LEVEL, POWER, mcnemar

Interval = tuple[float, float]
ALIKE = 1e-9
"""Values that differ by less are equal, but for rounding."""
DRAWS = 25
"""Counts that stand for all that a share may be of: their chances are equal."""


class Difference(NamedTuple):
    """First minus second, with its interval and two-sided p-value; NaN where nothing varies."""

    value: float
    ci95: Interval
    p: float


def wilson(count: Any, total: Any, level: float = 1 - LEVEL) -> tuple[Any, Any]:
    """Wilson's interval (1927) of a share, or of each share in two arrays; ``total`` is at least 1."""
    z = NormalDist().inv_cdf(0.5 + level / 2)
    middle, weight = (count + z * z / 2) / (total + z * z), z / (total + z * z)
    half = weight * np.sqrt(count * (total - count) / total + z * z / 4)
    return middle - half, middle + half


def newcombe(first: tuple[Any, Any], second: tuple[Any, Any], level: float = 1 - LEVEL) -> tuple[Any, Any]:
    """The interval of a difference of independent shares, given as ``(count, total)``, which may be arrays."""
    (low1, high1), (low2, high2) = wilson(*first, level), wilson(*second, level)
    p1, p2 = first[0] / first[1], second[0] / second[1]
    below, above = np.hypot(p1 - low1, high2 - p2), np.hypot(high1 - p1, p2 - low2)
    return p1 - p2 - below, p1 - p2 + above


def exact_p(first: tuple[Any, Any], second: tuple[Any, Any]) -> Any:
    """Fisher's exact test of two shares, or of pairs of them in arrays: twice the smaller tail, at most 1."""
    from scipy.stats import hypergeom

    (count1, total1), (count2, total2) = first, second
    law = total1 + total2, count1 + count2, total1
    return np.minimum(1.0, 2 * np.minimum(hypergeom.cdf(count1, *law), hypergeom.sf(count1 - 1, *law)))


def of_shares(first: tuple[int, int], second: tuple[int, int]) -> Difference:
    """The difference of two shares of different rows."""
    low, high = newcombe(first, second)
    value = first[0] / first[1] - second[0] / second[1]
    return Difference(value, (float(low), float(high)), float(exact_p(first, second)))


def of_means(first: np.ndarray, second: np.ndarray) -> Difference:
    """The difference of the means of different rows; of zeros and ones, that of their shares."""
    from scipy.stats import ttest_ind

    if is_binary(first) and is_binary(second):
        return of_shares((int(first.sum()), len(first)), (int(second.sum()), len(second)))
    value = float(first.mean() - second.mean())
    if max(np.ptp(first), np.ptp(second)) < ALIKE:
        return Difference(value, (math.nan, math.nan), math.nan)
    found = ttest_ind(first, second, equal_var=False)
    ends = found.confidence_interval(1 - LEVEL)
    return Difference(value, (float(ends.low), float(ends.high)), float(found.pvalue))


def of_pairs(changes: np.ndarray) -> Difference:
    """The mean of differences between two values of the same rows; of -1, 0 and 1 that of two shares."""
    from scipy.stats import ttest_1samp

    value, count = float(changes.mean()), len(changes)
    if np.isin(changes, (-1.0, 0.0, 1.0)).all():
        up, down = int((changes > 0).sum()), int((changes < 0).sum())
        middle, spread, more = (up - down) / (count + 2), up + down + 1, count + 2
        half = NormalDist().inv_cdf(1 - LEVEL / 2) * math.sqrt(max(0.0, spread - (up - down) ** 2 / more)) / more
        return Difference(value, (max(-1.0, middle - half), min(1.0, middle + half)), mcnemar(up, down))
    if np.ptp(changes) < ALIKE:
        return _without_variation(value, count)
    found = ttest_1samp(changes, 0.0)
    ends = found.confidence_interval(1 - LEVEL)
    return Difference(value, (float(ends.low), float(ends.high)), float(found.pvalue))


def _without_variation(value: float, count: int) -> Difference:
    """The same change everywhere: a sign test, and an interval for changes between -1 and 1.

    At most so large a share of others differs as Wilson's interval of none of ``count`` has, and that by all it can.
    """
    if count < 2 or abs(value) > 1:
        return Difference(value, (math.nan, math.nan), math.nan)
    _, others = wilson(0, count)
    ends = value - others * (value + 1), value + others * (1 - value)
    return Difference(value, ends, 0.5 ** (count - 1) if abs(value) > ALIKE else 1.0)


def mean_interval(values: np.ndarray) -> Interval:
    """Student's interval of a mean; NaN for a single value or where nothing varies."""
    from scipy.stats import t

    if len(values) < 2 or np.ptp(values) < ALIKE:
        return math.nan, math.nan
    half = float(t.ppf(1 - LEVEL / 2, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values)))
    return float(values.mean()) - half, float(values.mean()) + half


def detectable_share(share: float, side: int, rest: int, level: float) -> float:
    """How much lower a share must be than that of the rest so that Fisher's test finds it with a probability of 80%.

    The mean over :data:`DRAWS` counts that the rest may have, each of which says what count is low enough.

    Args:
        share: of the rest.
        side: how many rows have the lower share.
        rest: how many rows the rest are.
        level: of the test, two-sided.

    Returns:
        the difference; infinite where even a share of 0 would not be found so often.
    """
    from scipy.stats import binom, hypergeom

    others = binom.ppf((np.arange(DRAWS) + 0.5) / DRAWS, rest, share)
    enough, high = np.full(DRAWS, -1), np.full(DRAWS, side)
    while (high - enough > 1).any():
        middle = (enough + high) // 2
        found = 2 * hypergeom.cdf(middle, side + rest, middle + others, side) <= level
        enough, high = np.where(found, middle, enough), np.where(found, high, middle)
    lower, upper = 0.0, share
    if binom.cdf(enough, side, lower).mean() < POWER:
        return math.inf
    while upper - lower > ALIKE:
        half = (lower + upper) / 2
        lower, upper = (half, upper) if binom.cdf(enough, side, half).mean() >= POWER else (lower, half)
    return share - lower


def detectable_mean(deviation: float, side: int, rest: int, level: float) -> float:
    """The difference of two means that is found with a probability of 80%; NaN where nothing varies."""
    from scipy.stats import t

    if deviation < ALIKE:
        return math.nan
    each = 1 / side + 1 / rest
    freedom = each**2 / (1 / (side**2 * (side - 1)) + 1 / (rest**2 * (rest - 1)))
    return float((t.ppf(1 - level / 2, freedom) + t.ppf(POWER, freedom)) * deviation * math.sqrt(each))


def spread(values: np.ndarray) -> float:
    """The standard deviation of scores of rows; NaN for right and wrong, whose deviation follows from their mean."""
    return math.nan if is_binary(values) else float(values.std())


def is_binary(values: np.ndarray) -> bool:
    """Whether all values are 0 or 1."""
    return bool(np.isin(values, (0.0, 1.0)).all())

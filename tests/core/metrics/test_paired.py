"""The interval of a difference between two models that saw the same examples."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import bootstrap

from taskzoo.metrics.paired import difference_interval, expanded_level


def mean_of(values: np.ndarray) -> Callable[[np.ndarray], float]:
    return lambda weights: float(weights @ values / weights.sum())


def test_against_scipys_paired_bootstrap() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.random(200) < 0.8, generator.random(200) < 0.7
    low, high = difference_interval(200, mean_of(first), mean_of(second), samples=4000)
    reference = bootstrap(
        (first.astype(float), second.astype(float)),
        lambda a, b, axis: a.mean(axis) - b.mean(axis),
        paired=True,
        method="percentile",
        n_resamples=4000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert low == pytest.approx(reference.low, abs=0.012)
    assert high == pytest.approx(reference.high, abs=0.012)
    assert low < first.mean() - second.mean() < high


def test_what_is_hard_for_both_does_not_blur_the_comparison() -> None:
    """One model is right wherever the other is, and on a few examples more."""
    generator = np.random.default_rng(2)
    weaker = generator.random(400) < 0.5
    better = weaker.copy()
    better[np.flatnonzero(~weaker)[:12]] = True
    low, high = difference_interval(400, mean_of(better), mean_of(weaker))
    assert 0 < low < 12 / 400 < high < 0.06  # unpaired it would be about -0.04 to 0.10


def test_equal_models_differ_by_nothing_in_every_draw() -> None:
    values = np.random.default_rng(3).random(50)
    assert difference_interval(50, mean_of(values), mean_of(values)) == (0.0, 0.0)


def test_the_sign_is_first_less_second() -> None:
    ones, zeros = np.ones(20), np.zeros(20)
    assert difference_interval(20, mean_of(ones), mean_of(zeros)) == (1.0, 1.0)
    assert difference_interval(20, mean_of(zeros), mean_of(ones)) == (-1.0, -1.0)


def test_a_seed_decides_it_and_the_level_widens_it() -> None:
    values = np.random.default_rng(4).random(60)
    pair = mean_of(values), mean_of(np.sort(values))
    assert difference_interval(60, *pair) == difference_interval(60, *pair)
    assert difference_interval(60, *pair, seed=1) != difference_interval(60, *pair)
    narrow, wide = difference_interval(60, *pair, level=0.5), difference_interval(60, *pair, level=0.99)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_draws_where_a_score_is_undefined_are_left_out() -> None:
    values = np.array([1.0, 0.0, 1.0, 1.0])

    def sometimes(weights: np.ndarray) -> float:
        return math.nan if weights[1] == 0 else mean_of(values)(weights)

    low, high = difference_interval(4, sometimes, mean_of(np.zeros(4)))
    assert 0 <= low < high < 1
    never = difference_interval(4, lambda _: math.nan, mean_of(values))
    assert all(map(math.isnan, never))
    assert all(map(math.isnan, difference_interval(0, mean_of(values), mean_of(values))))


def test_it_covers_the_truth_about_as_often_as_it_promises() -> None:
    generator = np.random.default_rng(5)
    covered = 0
    for trial in range(100):
        shared = generator.random(120)
        first, second = shared + generator.random(120) > 0.8, shared + generator.random(120) > 1.0
        low, high = difference_interval(120, mean_of(first), mean_of(second), samples=200, seed=trial)
        truth = (1 - 0.8**2 / 2) - 0.5
        covered += low <= truth <= high
    assert 88 <= covered <= 100


def test_the_level_for_few_units() -> None:
    """Of 20 units, 2.147 deviations, sqrt(20 / 19) times Student's 2.093, leave 1.6% on each side, not 2.5%."""
    assert (1 - expanded_level(20)) / 2 == pytest.approx(0.0159, abs=2e-4)
    assert expanded_level(100_000) == pytest.approx(0.95, abs=1e-4)
    assert expanded_level(10) > expanded_level(20) > 0.95

"""Bootstrap intervals: the same every time, and as wide as they say."""

from __future__ import annotations

import numpy as np
import pytest

from taskzoo.metrics.intervals import bootstrap_intervals


def mean(total: np.ndarray) -> dict[str, float]:
    return {"mean": float(total[0] / total[1])}


def statistics(values: np.ndarray) -> np.ndarray:
    return np.stack([values, np.ones(len(values))], axis=1)


def test_they_cover_the_truth_about_as_often_as_they_promise():
    generator = np.random.default_rng(0)
    hits, trials = 0, 200
    for _ in range(trials):
        values = generator.binomial(1, 0.7, size=60).astype(float)
        low, high = bootstrap_intervals(statistics(values), mean, samples=200)["mean"]
        hits += low <= 0.7 <= high
    assert 0.89 <= hits / trials <= 0.99


def test_they_match_the_normal_approximation():
    values = np.random.default_rng(1).normal(5, 2, size=400)
    low, high = bootstrap_intervals(statistics(values), mean)["mean"]
    half = 1.96 * values.std() / np.sqrt(400)
    assert low == pytest.approx(values.mean() - half, abs=0.05)
    assert high == pytest.approx(values.mean() + half, abs=0.05)


def test_a_seed_decides_them():
    values = statistics(np.random.default_rng(2).normal(size=50))
    assert bootstrap_intervals(values, mean) == bootstrap_intervals(values, mean)
    assert bootstrap_intervals(values, mean, seed=1) != bootstrap_intervals(values, mean, seed=2)


def test_a_higher_level_is_wider():
    values = statistics(np.random.default_rng(3).normal(size=50))
    narrow, wide = (bootstrap_intervals(values, mean, level=level)["mean"] for level in (0.5, 0.99))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_no_examples_have_no_interval():
    assert bootstrap_intervals(np.zeros((0, 2)), mean) == {}


def test_one_example_has_an_interval_of_one_point():
    assert bootstrap_intervals(np.array([[3.0, 1.0]]), mean) == {"mean": (3.0, 3.0)}


def test_samples_without_a_defined_score_are_left_out():
    # the score is undefined when none of the drawn rows counts
    values = np.array([[1.0, 1.0], *[[0.0, 0.0]] * 3])

    def ratio(total: np.ndarray) -> dict[str, float]:
        return {"ratio": float(total[0] / total[1]) if total[1] else float("nan")}

    assert bootstrap_intervals(values, ratio) == {"ratio": (1.0, 1.0)}

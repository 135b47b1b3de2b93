"""Bootstrap intervals: the same every time, and as wide as they say."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from taskzoo.metrics.intervals import bootstrap_intervals
from taskzoo.metrics.multi_label import MultiLabel
from taskzoo.metrics.single_label import SingleLabel
from taskzoo.types import Metric


def intervals(values: np.ndarray, **settings: Any) -> dict[str, tuple[float, float]]:
    """Of the mean."""
    return bootstrap_intervals(len(values), lambda w: {"mean": float(w @ values / w.sum())}, **settings)


def test_they_cover_the_truth_about_as_often_as_they_promise():
    generator = np.random.default_rng(0)
    hits, trials = 0, 200
    for _ in range(trials):
        values = generator.binomial(1, 0.7, size=60).astype(float)
        low, high = intervals(values, samples=200)["mean"]
        hits += low <= 0.7 <= high
    assert 0.89 <= hits / trials <= 0.99


def test_they_match_the_normal_approximation():
    values = np.random.default_rng(1).normal(5, 2, size=400)
    low, high = intervals(values)["mean"]
    half = 1.96 * values.std() / np.sqrt(400)
    assert low == pytest.approx(values.mean() - half, abs=0.05)
    assert high == pytest.approx(values.mean() + half, abs=0.05)


def test_a_seed_decides_them():
    values = np.random.default_rng(2).normal(size=50)
    assert intervals(values) == intervals(values)
    assert intervals(values, seed=1) != intervals(values, seed=2)


def test_a_higher_level_is_wider():
    values = np.random.default_rng(3).normal(size=50)
    narrow, wide = (intervals(values, level=level)["mean"] for level in (0.5, 0.99))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_no_examples_have_no_interval():
    assert intervals(np.zeros(0)) == {}


def test_one_example_has_no_interval():
    assert all(map(math.isnan, intervals(np.array([3.0]))["mean"]))


def ratio(counted: np.ndarray) -> Callable[[np.ndarray], dict[str, float]]:
    """A score that is 1, or undefined when no drawn row counts."""
    return lambda weights: {"ratio": 1.0 if weights @ counted else float("nan")}


def test_samples_without_a_defined_score_are_left_out():
    assert bootstrap_intervals(4, ratio(np.array([1, 0, 0, 0]))) == {"ratio": (1.0, 1.0)}


@pytest.mark.filterwarnings("error")
def test_a_score_that_is_never_defined_has_no_interval_and_no_warning():
    low, high = bootstrap_intervals(4, ratio(np.zeros(4)))["ratio"]
    assert np.isnan(low)
    assert np.isnan(high)


def test_weights_say_how_often_a_row_was_drawn():
    drawn = []
    bootstrap_intervals(5, lambda weights: drawn.append(weights) or {}, samples=20)
    assert all(w.shape == (5,) and w.dtype == np.float64 and w.sum() == 5 for w in drawn)
    assert len({tuple(w) for w in drawn}) > 10


def of_metric(metric: Metric, gold: list[str], predicted: list[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    statistics = metric.statistics(predicted, [{"label": label} for label in gold])
    return bootstrap_intervals(len(gold), metric.scorer(statistics), described=metric.scores)


def test_a_perfect_score_is_as_unsure_as_its_rows_are_few():
    gold = ["bad", "good"] * 37
    found = of_metric(SingleLabel(["bad", "good"]), gold, [{"label": label} for label in gold])
    wilson = 74 / (74 + 1.959964**2)
    assert found["accuracy"] == (pytest.approx(wilson), 1.0)
    assert found["recall"] == (pytest.approx(37 / (37 + 1.959964**2)), 1.0)  # of the rows that are good
    assert found["mcc"] == (pytest.approx(2 * wilson - 1), 1.0)
    assert found["ece"] == (0.0, pytest.approx(1 - wilson))
    assert found["log_loss"][0] <= found["log_loss"][1] < 1e-6  # it has no greatest value


def test_nothing_found_is_as_unsure():
    gold = ["bad"] * 20
    found = of_metric(SingleLabel(["bad", "good"]), gold, [{"label": "good"}] * 20)
    assert found["accuracy"] == (0.0, pytest.approx(1 - 20 / (20 + 1.959964**2)))


@pytest.mark.parametrize("seed", range(3))
def test_the_interval_of_the_calibration_error_holds_it(seed: int):
    generator = np.random.default_rng(seed)
    probabilities = generator.beta(2, 2, size=(150, 2))
    gold = generator.random((150, 2)) < probabilities  # as sure as it should be
    metric = MultiLabel(["a", "b"])
    references = [{"labels": [name for name, yes in zip("ab", row, strict=True) if yes]} for row in gold]
    predictions = [{"labels": [], "_probabilities": row} for row in probabilities]
    statistics = metric.statistics(predictions, references)
    scores = metric.compute(predictions, references)
    found = bootstrap_intervals(150, metric.scorer(statistics), samples=100, described=metric.scores)
    assert all(low <= scores[name] <= high for name, (low, high) in found.items() if name != "precision_micro")
    assert all(map(math.isnan, found["precision_micro"]))  # nothing is predicted
    assert found["ece"][0] >= 0


@pytest.mark.parametrize(("given", "low", "high"), [("no", 0.0, 0.5615), ("yes", 1 - 0.5615, 1.0)])
def test_recall_is_as_sure_as_the_rows_of_its_label_are_many(given: str, low: float, high: float):
    gold = [{"label": "yes"}] * 3 + [{"label": "no"}] * 997
    predictions = [{"label": given}] * 3 + [{"label": "no"}] * 997
    metric = SingleLabel(["no", "yes"])
    statistics = metric.statistics(predictions, gold)
    found = bootstrap_intervals(1000, metric.scorer(statistics), samples=100, described=metric.scores)
    assert found["recall"] == pytest.approx((low, high), abs=1e-4)  # Wilson's of 0 and 3 of 3
    if given == "no":
        assert metric.of_all(statistics)["precision"] == 0.0
        assert all(map(math.isnan, found["precision"]))  # of no predictions

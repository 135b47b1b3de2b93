"""Probabilities, temperatures and thresholds against scipy, scikit-learn and brute force."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import optimize, special
from sklearn.metrics import f1_score, precision_recall_curve

from taskzoo.models.calibration import (
    TEMPERATURES,
    ConfidenceCurve,
    fit_confidence,
    fit_temperature,
    fit_thresholds,
    sigmoid,
    softmax,
)
from taskzoo.types import IGNORE_INDEX

EXTREME = np.array([[1e4, -1e4, 0.0], [-3e38, 3e38, 1.0], [0.1, 0.2, 0.3]], dtype=np.float32)


def cross_entropy(logits: np.ndarray, targets: np.ndarray, temperature: float) -> float:
    if targets.ndim == 1:
        return -float(special.log_softmax(logits / temperature, axis=-1)[np.arange(len(targets)), targets].sum())
    return -float(special.log_expit(np.where(targets > 0, 1, -1) * logits / temperature).sum())


def sample(n: int, labels: int, temperature: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose softmax is true after division by ``temperature``, and ids drawn from it."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(n, labels)) * 2
    ids = (special.softmax(logits, axis=1).cumsum(axis=1) > generator.random((n, 1))).argmax(axis=1)
    return logits * temperature, ids


@pytest.mark.parametrize("temperature", [0.05, 1.0, 3.0])
def test_probabilities_are_those_of_scipy_at_any_size_of_logits(temperature):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one_of, each = softmax(EXTREME, temperature), sigmoid(EXTREME, temperature)
    wide = EXTREME.astype(np.float64) / temperature
    np.testing.assert_allclose(one_of, special.softmax(wide, axis=-1), atol=1e-7)
    np.testing.assert_allclose(each, special.expit(wide), atol=1e-7)
    assert one_of.dtype == each.dtype == np.float32


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_logits_is_found(temperature):
    logits, ids = sample(4000, 5, temperature, seed=0)
    assert fit_temperature(logits, ids) == pytest.approx(temperature, rel=0.08)
    generator = np.random.default_rng(1)
    logits = generator.normal(size=(2000, 3)) * 2
    targets = (generator.random(logits.shape) < special.expit(logits)).astype(float)
    assert fit_temperature(logits * temperature, targets) == pytest.approx(temperature, rel=0.08)


def test_with_many_rows_it_is_the_likeliest_temperature():
    logits, ids = sample(3000, 4, 1.7, seed=2)
    reference = optimize.minimize_scalar(lambda t: cross_entropy(logits, ids, t), bounds=TEMPERATURES, method="bounded")
    assert fit_temperature(logits, ids) == pytest.approx(reference.x, rel=0.005)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 30), st.integers(2, 4), st.booleans(), st.floats(0.01, 100), st.integers(0, 10**6))
def test_it_never_makes_the_rows_less_likely_and_keeps_its_bounds(n, labels, several, scale, seed):
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(n, labels)) * scale
    targets = generator.integers(0, 2, size=(n, labels)) if several else generator.integers(0, labels, size=n)
    temperature = fit_temperature(logits, targets)
    assert TEMPERATURES[0] <= temperature <= TEMPERATURES[1]
    assert cross_entropy(logits, targets, temperature) <= cross_entropy(logits, targets, 1.0) * (1 + 1e-12)


def test_true_probabilities_are_left_alone():
    logits = np.repeat([[np.log(3), 0.0]], 4, axis=0)
    assert fit_temperature(logits, np.array([0, 0, 0, 1])) == 1.0


def test_ten_perfect_rows_do_not_make_the_model_certain():
    ids = np.arange(10) % 2
    logits = np.where(ids[:, None] == np.arange(2), 1.0, -1.0)
    assert 0.3 < fit_temperature(logits, ids) < 1
    assert 0.2 < fit_temperature(logits, np.eye(2)[ids]) < 1
    wrong = fit_temperature(10 * logits, 1 - ids)
    assert 5 < wrong <= 20


def test_targets_that_do_not_count_change_nothing():
    logits, ids = sample(200, 3, 2.0, seed=3)
    expected = fit_temperature(logits, ids)
    more = np.concatenate([logits, 9 * np.eye(3)]), np.concatenate([ids, [IGNORE_INDEX] * 3])
    assert fit_temperature(*more) == pytest.approx(expected, abs=1e-9)
    targets = np.eye(3)[ids]
    expected = fit_temperature(logits, targets)
    more = np.concatenate([logits, 9 * np.eye(3)]), np.concatenate([targets, np.full((3, 3), np.nan)])
    assert fit_temperature(*more) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("logits", "targets"),
    [
        (np.zeros((0, 3)), np.zeros(0, int)),
        (np.ones((2, 3)), np.full(2, IGNORE_INDEX)),
        (np.zeros((0, 3)), np.zeros((0, 3))),
        (np.ones((2, 3)), np.full((2, 3), np.nan)),
    ],
)
def test_without_targets_the_temperature_stays_one(logits, targets):
    assert fit_temperature(logits, targets) == 1.0


def best_f1(scores: np.ndarray, targets: np.ndarray) -> float:
    return max(f1_score(targets, scores >= cut, zero_division=0) for cut in scores)


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.float64, (12, 3), elements=st.integers(0, 6).map(lambda i: i / 6)),
    arrays(np.int64, (12, 3), elements=st.integers(0, 1)),
)
def test_unshrunk_thresholds_are_the_best_of_all_with_equal_scores_too(probabilities, targets):
    thresholds = fit_thresholds(probabilities, targets, shrinkage=0)
    for scores, truth, threshold in zip(probabilities.T, targets.T, thresholds, strict=True):
        if truth.any():
            assert f1_score(truth, scores >= threshold) == pytest.approx(best_f1(scores, truth))


def test_equal_scores_are_not_separated():
    scores, truth = np.array([[0.9], [0.5], [0.5], [0.5], [0.5]]), np.array([[1], [1], [0], [0], [0]])
    assert fit_thresholds(scores, truth) == pytest.approx([0.7])


def test_they_reach_the_best_point_of_the_precision_recall_curve():
    generator = np.random.default_rng(4)
    scores = generator.random((3000, 1)).astype(np.float32)
    truth = (generator.random((3000, 1)) < scores**2).astype(int)
    precision, recall, _ = precision_recall_curve(truth[:, 0], scores[:, 0])
    reference = np.max(2 * precision * recall / np.maximum(precision + recall, 1e-9))
    assert f1_score(truth, scores >= fit_thresholds(scores, truth, shrinkage=0)) == pytest.approx(reference)
    assert f1_score(truth, scores >= fit_thresholds(scores, truth)) == pytest.approx(reference, abs=0.005)


def test_thresholds_lie_midway_between_scores():
    scores = np.array([[0.9], [0.8], [0.2], [0.1]])
    assert fit_thresholds(scores, np.array([[1], [1], [0], [0]])) == pytest.approx([0.5])
    assert fit_thresholds(scores, np.array([[1], [1], [1], [1]])) == pytest.approx([0.05])


def test_a_label_without_positive_rows_gets_the_common_threshold():
    generator = np.random.default_rng(5)
    scores = generator.random((400, 2))
    truth = np.stack([scores[:, 0] > 0.3, np.zeros(400)], axis=1)
    common = fit_thresholds(scores.reshape(-1, 1), truth.reshape(-1, 1))[0]
    for shrinkage in (0, 5):
        assert fit_thresholds(scores, truth, shrinkage=shrinkage)[1] == pytest.approx(common)
    assert fit_thresholds(scores, np.zeros((400, 2))).tolist() == [0.5, 0.5]


def test_few_positive_rows_follow_the_common_threshold_and_many_their_own():
    generator = np.random.default_rng(6)
    scores = np.stack([generator.random(1000), generator.random(1000)], axis=1)
    truth = np.stack([scores[:, 0] > 0.3, np.zeros(1000)], axis=1)
    truth[scores[:, 1].argmax(), 1] = 1
    own = fit_thresholds(scores, truth, shrinkage=0)
    drawn = fit_thresholds(scores, truth)
    assert drawn[0] == pytest.approx(own[0], abs=0.005)
    assert drawn[1] < 0.9 < own[1]


def test_shrinking_helps_on_new_rows_when_positives_are_few():
    generator = np.random.default_rng(7)
    scores = generator.beta(0.4, 8, size=(20_000, 20))
    truth = (generator.random(scores.shape) < scores).astype(int)
    few, new = slice(0, 200), slice(200, None)
    f1 = {
        shrinkage: f1_score(
            truth[new], scores[new] >= fit_thresholds(scores[few], truth[few], shrinkage=shrinkage), average="macro"
        )
        for shrinkage in (0, 5)
    }
    assert f1[5] > f1[0] + 0.01


def test_unknown_targets_do_not_count():
    generator = np.random.default_rng(8)
    scores = generator.random((100, 2))
    truth = (scores > generator.random((100, 2))).astype(float)
    more = np.concatenate([scores, generator.random((50, 2))]), np.concatenate([truth, np.full((50, 2), np.nan)])
    np.testing.assert_allclose(fit_thresholds(*more), fit_thresholds(scores, truth))


def test_no_rows_leave_one_half():
    assert fit_thresholds(np.zeros((0, 3)), np.zeros((0, 3))).tolist() == [0.5] * 3


def decisions(n: int, slope: float, offset: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that a curve makes true, and whether each decision was right."""
    generator = np.random.default_rng(seed)
    log_odds = generator.normal(1.5, 2.0, size=n)
    return special.expit(log_odds), generator.random(n) < special.expit(slope * log_odds + offset)


@pytest.mark.parametrize(("slope", "offset"), [(0.5, -0.4), (1.0, 0.0), (1.6, 0.8)])
def test_the_curve_that_made_decisions_right_is_found(slope, offset):
    probabilities, right = decisions(20_000, slope, offset, seed=11)
    curve = fit_confidence(probabilities, right)
    assert (curve.slope, curve.offset) == pytest.approx((slope, offset), abs=0.08)
    ends = curve(np.array([0.0, 0.2, 0.9, 1.0]))
    assert np.all(np.diff(ends) > 0)
    assert ends[0] >= 0
    assert ends[-1] <= 1


def test_with_many_decisions_it_is_scikit_learns_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    probabilities, right = decisions(5000, 0.6, -0.5, seed=12)
    reference = LogisticRegression(C=np.inf).fit(special.logit(probabilities)[:, None], right)
    curve = fit_confidence(probabilities, right)
    expected = (reference.coef_[0, 0], reference.intercept_[0])
    assert (curve.slope, curve.offset) == pytest.approx(expected, rel=0.01, abs=0.005)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 25), st.floats(0, 1), st.integers(0, 10**6))
def test_a_curve_keeps_the_order_and_never_makes_the_decisions_less_likely(n, share, seed):
    generator = np.random.default_rng(seed)
    probabilities, right = generator.random(n).round(2), generator.random(n) < share
    curve = fit_confidence(probabilities, right)
    assert curve.slope > 0

    def cost(values: np.ndarray) -> float:
        safe = np.clip(values, 1e-7, 1 - 1e-7)
        return -float(np.log(np.where(right, safe, 1 - safe)).sum())

    assert cost(curve(probabilities)) <= cost(probabilities) + 1e-4 * (1 + n)


def test_ten_right_decisions_do_not_make_the_curve_certain():
    curve = fit_confidence(np.full(10, 0.8), np.ones(10, bool))
    assert 0.8 < float(curve(np.array([0.8]))[0]) < 0.98
    assert fit_confidence([], []) == ConfidenceCurve()

"""Prediction intervals of gains: what they equal where that is known, and how often they are right."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from taskzoo.recommending.gains import predict_gain


@pytest.mark.parametrize("error", [0.0, 0.01])
def test_with_errors_like_the_past_ones_it_is_students_prediction_interval(error: float) -> None:
    gains = [0.01, 0.05, -0.02, 0.03, 0.08, 0.02, 0.04]
    gain, half = predict_gain(gains, [error**2] * 7, error**2)
    assert gain == pytest.approx(np.mean(gains))
    assert half == pytest.approx(stats.t.ppf(0.975, 6) * np.std(gains, ddof=1) * np.sqrt(1 + 1 / 7))


def test_gains_that_do_not_differ_leave_the_noise_and_the_error_of_the_mean() -> None:
    gain, half = predict_gain([0.02] * 30, [1e-4] * 30, 4e-4)
    assert gain == pytest.approx(0.02)
    assert half == pytest.approx(1.96 * np.sqrt(4e-4 + 1e-4 / 30), rel=0.01)


def test_known_noise_widens_it_by_its_own_variance() -> None:
    gains = [0.0, 0.1, 0.05, 0.02, 0.08, 0.06]
    _, without = predict_gain(gains, [0.0] * 6, 0.0)
    _, much = predict_gain(gains, [0.0] * 6, 1.0)
    assert without < much
    assert much == pytest.approx(1.96 * np.sqrt(1 + np.var(gains, ddof=1) * 7 / 6), rel=0.01)


def test_a_vague_result_has_little_weight_in_mean_and_width() -> None:
    precise = [0.02, 0.04, 0.03, 0.05, 0.01, 0.03]
    mean, half = predict_gain([*precise, 0.5], [4e-4] * 6 + [0.09], 1e-3)
    alone, narrow = predict_gain(precise, [4e-4] * 6, 1e-3)
    assert mean == pytest.approx(alone, abs=0.01)
    assert half == pytest.approx(narrow, rel=0.3)


@pytest.mark.parametrize(("spread", "noise"), [(0.0, 0.03), (0.03, 0.015), (0.1, 0.06)])
def test_intervals_hold_what_comes_as_often_as_they_say(spread: float, noise: float) -> None:
    generator = np.random.default_rng(3)
    sets, trials, inside = 9, 500, 0
    for _ in range(trials):
        errors = generator.uniform(0.01, 0.03, size=sets)
        gains = 0.03 + generator.normal(size=sets) * np.hypot(spread, errors)
        gain, half = predict_gain(gains.tolist(), (errors**2).tolist(), noise**2)
        inside += abs(0.03 + generator.normal() * np.hypot(spread, noise) - gain) <= half
    assert 0.92 <= inside / trials <= 0.985

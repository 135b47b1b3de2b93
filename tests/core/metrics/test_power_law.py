"""Power laws: exact curves are recovered, and what is said of more data is right as often as promised."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from taskzoo.metrics.power_law import LARGEST_EXPONENT, PowerLaw, extrapolate, fit_power_law

SIZES = [50, 100, 200, 400, 800]
ERRORS = st.lists(st.floats(0, 1), min_size=3, max_size=8)


def squared_error(curve: PowerLaw, sizes, errors) -> float:
    return float(((curve.predict(np.array(sizes, float)) - np.array(errors)) ** 2).sum())


@settings(max_examples=50, deadline=None)
@given(st.floats(0.2, 20), st.floats(0.1, 2), st.floats(0, 0.5), st.integers(3, 7), st.floats(1, 1e5))
def test_exact_curves_are_recovered(a, b, c, count, first):
    sizes = first * 2.0 ** np.arange(count)
    truth = PowerLaw(a * first**b, b, c)
    found = fit_power_law(sizes, truth.predict(sizes))
    assert found is not None
    assert found.b == pytest.approx(b, rel=1e-3)
    assert found.a == pytest.approx(truth.a, rel=1e-2)
    assert found.c == pytest.approx(c, abs=1e-3 * a)
    assert found.predict(8 * sizes[-1]) == pytest.approx(truth.predict(8 * sizes[-1]), rel=1e-3, abs=1e-4 * a)


@settings(max_examples=60, deadline=None)
@given(ERRORS)
def test_curves_never_rise_and_are_never_negative(errors):
    curve = fit_power_law([10 * 2**i for i in range(len(errors))], errors)
    assert curve is not None
    assert min(curve.a, curve.b, curve.c) >= 0
    later = curve.predict(np.geomspace(1, 1e9, 100))
    assert (np.diff(later) <= 0).all()
    assert (later >= 0).all()
    assert np.isfinite(later).all()


@pytest.mark.parametrize("seed", range(12))
def test_no_start_of_scipys_bounded_least_squares_does_better(seed):
    generator = np.random.default_rng(seed)
    errors = generator.uniform(0.5, 3) * np.array(SIZES) ** -generator.uniform(0.1, 1) + generator.uniform(0, 0.3)
    errors = np.abs(errors + generator.normal(size=5) * 0.02)
    found = fit_power_law(SIZES, errors)
    assert found is not None
    n = np.array(SIZES) / SIZES[0]
    for start in ([0.5, 0.1, 0.0], [0.5, 0.5, 0.1], [1.0, 1.0, 0.3], [0.2, 3.0, 0.2]):
        other = optimize.least_squares(
            lambda p: p[0] * n ** -p[1] + p[2] - errors,
            start,
            bounds=(0, [np.inf, LARGEST_EXPONENT, np.inf]),
            xtol=1e-12,
            ftol=1e-12,
            gtol=1e-12,
        )
        assert squared_error(found, SIZES, errors) <= 2 * other.cost + 1e-9


def test_a_mean_of_repeats_counts_as_often_as_they_were():
    sizes, errors = [50, 100, 100, 100, 200, 400, 400], [0.5, 0.4, 0.3, 0.38, 0.33, 0.3, 0.22]
    single = fit_power_law(sizes, errors)
    means = fit_power_law([50, 100, 200, 400], [0.5, 0.36, 0.33, 0.26], weights=[1, 3, 1, 2])
    plain = fit_power_law([50, 100, 200, 400], [0.5, 0.36, 0.33, 0.26])
    assert single is not None
    assert means is not None
    assert plain is not None
    assert means.predict(1000) == pytest.approx(single.predict(1000), rel=1e-5)
    assert means.predict(1000) != pytest.approx(plain.predict(1000), rel=1e-3)


def test_the_order_and_the_unit_of_sizes_do_not_matter():
    errors = [0.52, 0.41, 0.33, 0.30, 0.27]
    curve, shuffled = fit_power_law(SIZES, errors), fit_power_law(SIZES[::-1], errors[::-1])
    thousands = fit_power_law([n * 1000 for n in SIZES], errors)
    assert curve is not None
    assert shuffled is not None
    assert thousands is not None
    assert shuffled.predict(3000) == pytest.approx(curve.predict(3000), rel=1e-6)
    assert thousands.predict(3_000_000) == pytest.approx(curve.predict(3000), rel=1e-6)


def test_errors_that_do_not_fall_are_a_flat_line():
    for errors in ([0.2, 0.2, 0.2], [0.1, 0.2, 0.3]):
        curve = fit_power_law([10, 20, 40], errors)
        assert curve is not None
        assert curve.predict(np.array([10.0, 1e6])) == pytest.approx([0.2, 0.2])
        assert (curve.a, curve.c) == pytest.approx((0, 0.2), abs=1e-6)


@pytest.mark.parametrize("sizes", [[], [10], [10, 20], [10, 10, 20, 20]])
def test_fewer_than_three_sizes_have_no_curve(sizes):
    assert fit_power_law(sizes, [0.5] * len(sizes)) is None
    assert extrapolate(sizes, [0.5] * len(sizes), 100) is None


def test_a_size_of_no_weight_does_not_count():
    assert fit_power_law([10, 20, 40], [0.5, 0.4, 0.3], weights=[1, 1, 0]) is None


def test_three_points_leave_nothing_to_judge_the_curve_by():
    assert fit_power_law([10, 20, 40], [0.5, 0.4, 0.35]) is not None
    assert extrapolate([10, 20, 40], [0.5, 0.4, 0.35], 80) is None


@pytest.mark.parametrize(
    ("sizes", "errors", "weights"),
    [
        ([1, 2, 3], [0.1, 0.2], None),
        ([0, 2, 3], [0.1] * 3, None),
        ([1, 2, 3], [0.1, -0.1, 0.1], None),
        ([1, 2, 3], [0.1, float("nan"), 0.1], None),
        ([1, 2, 3], [0.1] * 3, [1, 1]),
        ([1, 2, 3], [0.1] * 3, [1, 1, -1]),
    ],
)
def test_impossible_numbers_are_refused(sizes, errors, weights):
    with pytest.raises(ValueError, match="must be"):
        fit_power_law(sizes, errors, weights)


def test_the_interval_holds_the_truth_about_as_often_as_it_promises():
    generator = np.random.default_rng(0)
    truth = PowerLaw(2, 0.4, 0.1)
    sizes = np.array(SIZES, float)
    hits, trials = 0, 100
    for seed in range(trials):
        errors = truth.predict(sizes) + generator.normal(size=len(sizes)) * 0.01
        found = extrapolate(sizes, np.maximum(errors, 0), 1600, samples=60, seed=seed)
        assert found is not None
        hits += found[1] <= truth.predict(1600) <= found[2]
    assert hits / trials >= 0.9


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=4, max_size=6), st.floats(1, 1e6), st.sampled_from([1, 20]))
def test_the_interval_holds_the_estimate_and_is_never_negative(errors, to, samples):
    found = extrapolate([10 * 2**i for i in range(len(errors))], errors, to, samples=samples)
    assert found is not None
    estimate, low, high = found
    assert 0 <= low <= estimate <= high < np.inf


def test_a_seed_decides_the_interval_and_noise_widens_it():
    truth = PowerLaw(2, 0.4, 0.1).predict(np.array(SIZES, float))
    wobble = np.array([1, -1, 1, -1, 1])
    narrow, wide = (extrapolate(SIZES, truth + size * wobble, 3200) for size in (0.001, 0.02))
    assert narrow is not None
    assert wide is not None
    assert narrow == extrapolate(SIZES, truth + 0.001 * wobble, 3200)
    assert narrow != extrapolate(SIZES, truth + 0.001 * wobble, 3200, seed=1)
    assert wide[2] - wide[1] > 3 * (narrow[2] - narrow[1])
    exact = extrapolate(SIZES, truth, 3200)
    assert exact == pytest.approx([2 * 3200**-0.4 + 0.1] * 3, rel=1e-4)

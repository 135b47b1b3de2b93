"""Parts of seeds and rows: by hand, and by simulation of the model they are of."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from taskzoo.metrics.repeated import seeds_and_rows, t_interval


def replicates(values: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """Of the mean over rows: ``values`` has shape ``[seeds, rows]``."""
    rows = values.shape[1]
    weights = np.random.default_rng(seed).multinomial(rows, np.full(rows, 1 / rows), size=samples)
    drawn: np.ndarray = values @ weights.T / rows
    return drawn


def draw(generator: np.random.Generator, seeds: int, rows: int, deviations: tuple[float, float, float]) -> np.ndarray:
    """``mean 0 + seed + row + both``, with these standard deviations."""
    seed, row, both = deviations
    shape = (seeds, rows)
    made: np.ndarray = seed * generator.standard_normal((seeds, 1)) + row * generator.standard_normal((1, rows))
    return made + both * generator.standard_normal(shape)


def test_seeds_alone_are_students_interval() -> None:
    scores = [0.7, 0.75, 0.72, 0.71]
    parts = seeds_and_rows(scores, np.zeros((4, 0)), 0)
    expected = ttest_1samp(scores, 0)
    assert parts.interval() == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert parts.p_value == pytest.approx(expected.pvalue)
    assert t_interval(scores) == pytest.approx(parts.interval())
    assert parts.seed == pytest.approx(np.std(scores, ddof=1))
    assert t_interval([0.7]) is None


def test_equal_seeds_leave_rows_alone() -> None:
    values = np.repeat(np.random.default_rng(0).random((1, 200)), 5, axis=0)
    parts = seeds_and_rows(values.mean(axis=1).tolist(), replicates(values, 2000, 1), 200)
    assert parts.seed == pytest.approx(0, abs=1e-9)
    assert parts.both == pytest.approx(0, abs=1e-6)
    assert parts.rows == pytest.approx(values[0].std() / math.sqrt(200), rel=0.05)
    assert parts.error == pytest.approx(parts.rows)
    assert parts.freedom == pytest.approx(199)


def test_no_spread_at_all() -> None:
    parts = seeds_and_rows([0.5, 0.5], np.full((2, 9), 0.5), 20)
    assert (parts.interval(), parts.p_value, parts.error) == ((0.5, 0.5), 0.0, 0.0)
    assert seeds_and_rows([0.0, 0.0], np.zeros((2, 9)), 20).p_value == 1.0


def test_undefined_replicates_are_left_out() -> None:
    values = np.random.default_rng(0).random((3, 50))
    drawn = replicates(values, 500, 1)
    spoilt = np.concatenate([drawn, np.full((3, 5), math.nan)], axis=1)
    scores = values.mean(axis=1).tolist()
    assert seeds_and_rows(scores, spoilt, 50) == seeds_and_rows(scores, drawn, 50)


def test_the_parts_are_right_on_average() -> None:
    generator, deviations, rows = np.random.default_rng(3), (0.05, 0.4, 0.3), 100
    found = []
    for trial in range(400):
        values = draw(generator, 5, rows, deviations)
        parts = seeds_and_rows(values.mean(axis=1).tolist(), replicates(values, 100, trial), rows)
        found.append([parts.seed**2, parts.rows**2, parts.both**2])
    expected = [deviations[0] ** 2, deviations[1] ** 2 / rows, deviations[2] ** 2 / rows]
    assert np.mean(found, axis=0) == pytest.approx(expected, rel=0.15)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("what", "deviations"),
    [("seeds", (0.05, 0.1, 0.1)), ("rows", (0.005, 0.4, 0.2)), ("both alike", (0.03, 0.4, 0.3))],
)
@pytest.mark.parametrize("seeds", [3, 5])
def test_intervals_of_means_over_seeds_cover(what: str, deviations: tuple[float, float, float], seeds: int) -> None:
    generator, trials, covered = np.random.default_rng(4), 2000, 0
    for trial in range(trials):
        values = draw(generator, seeds, 200, deviations)
        low, high = seeds_and_rows(values.mean(axis=1).tolist(), replicates(values, 200, trial), 200).interval()
        covered += low <= 0 <= high
    print(f"{seeds} seeds, spread of {what}: covered {covered / trials:.1%}")
    assert 0.93 <= covered / trials <= 0.98

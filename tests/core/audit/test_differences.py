"""Intervals, tests and their correction: the right numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest, fisher_exact, ttest_1samp, ttest_ind

from taskzoo.audit.differences import (
    detectable_mean,
    detectable_share,
    exact_p,
    newcombe,
    of_means,
    of_pairs,
    wilson,
)
from taskzoo.audit.gap import Gap, Section, corrected


def test_shares_have_the_intervals_of_the_literature() -> None:
    assert newcombe((56, 70), (48, 80)) == pytest.approx((0.0524, 0.3339), abs=5e-5)  # Newcombe 1998, table II (a)
    assert newcombe((10, 10), (0, 20)) == pytest.approx((0.6791, 1.0), abs=5e-5)  # (g)
    for count, total in ((0, 20), (3, 20), (20, 20)):
        found = binomtest(count, total).proportion_ci(method="wilson")
        assert wilson(count, total) == pytest.approx((found.low, found.high))


def test_p_is_twice_the_smaller_tail_of_fishers_test() -> None:
    for first, second in (((3, 30), (40, 200)), ((9, 30), (40, 200)), ((0, 30), (0, 200))):
        table = [[first[0], first[1] - first[0]], [second[0], second[1] - second[0]]]
        tails = [fisher_exact(table, alternative=side).pvalue for side in ("less", "greater")]
        assert exact_p(first, second) == pytest.approx(min(1.0, 2 * min(tails)))


def test_means_and_pairs_are_those_of_scipy() -> None:
    chance = np.random.default_rng(0)
    first, second = chance.normal(size=40), chance.normal(0.5, 2.0, size=90)
    found, known = of_means(first, second), ttest_ind(first, second, equal_var=False)
    assert found.p == pytest.approx(known.pvalue)
    assert found.ci95 == pytest.approx(tuple(known.confidence_interval()))
    assert of_pairs(first).p == pytest.approx(ttest_1samp(first, 0.0).pvalue)
    assert math.isnan(of_means(np.full(5, 0.25), np.full(5, 0.5)).p)  # nothing varies
    assert math.isnan(of_pairs(np.array([0.5])).ci95[0])


def test_a_change_of_right_and_wrong_has_mcnemars_test_and_an_interval_without_changes() -> None:
    found = of_pairs(np.array([1.0] * 9 + [-1.0] + [0.0] * 40))
    assert found.value == pytest.approx(0.16)
    assert found.p == pytest.approx(binomtest(1, 10).pvalue)
    assert found.ci95[0] == pytest.approx(8 / 52 - 1.959964 * math.sqrt(11 - 64 / 52) / 52)
    still = of_pairs(np.zeros(50))
    assert still.p == 1.0
    assert still.ci95[0] < 0 < still.ci95[1]


def test_the_same_change_everywhere_is_found_and_has_an_interval() -> None:
    found = of_pairs(np.full(24, 0.2))
    others = 1.959964**2 / (24 + 1.959964**2)
    assert found.p == 0.5**23
    assert found.ci95 == pytest.approx((0.2 - others * 1.2, 0.2 + others * 0.8), abs=1e-6)
    assert of_pairs(np.full(24, 1e-12)).p == 1.0
    assert math.isnan(of_pairs(np.full(24, 5.0)).p)  # of numbers without limits nothing can be said


def test_p_values_are_corrected_within_a_section_and_for_the_number_of_sections() -> None:
    one, two = (Gap("slices", "x", "y", 0.1, (0.01, 0.2), p, (0.0, 0.1), (9, 9)) for p in (0.01, 0.02))
    first, second, third = corrected(
        [Section("slices", "s", (one, two)), Section("words", "w"), Section("pairs", "p", (one,))]
    )
    assert [gap.adjusted for gap in first.gaps] == pytest.approx([0.04, 0.04])
    assert not second.gaps
    assert third.gaps[0].adjusted == pytest.approx(0.02)
    assert third.gaps[0].found
    assert third.gaps[0].exceeds(0.005)
    assert not third.gaps[0].exceeds(0.01)  # the interval begins there


@pytest.mark.parametrize("share", [0.6, 0.85, 1.0])
@pytest.mark.parametrize(("side", "rest", "level"), [(40, 600, 0.001), (400, 1600, 0.05), (500, 500, 0.0005)])
def test_a_gap_of_the_size_that_is_said_is_found_4_of_5_times(share: float, side: int, rest: int, level: float) -> None:
    size = detectable_share(share, side, rest, level)
    chance = np.random.default_rng(0)
    first, second = chance.binomial(side, share - size, 4000), chance.binomial(rest, share, 4000)
    found = (exact_p((first, side), (second, rest)) <= level).mean()
    assert found == pytest.approx(0.8, abs=0.03)


def test_a_difference_of_means_of_the_size_that_is_said_is_found_4_of_5_times() -> None:
    size, chance = detectable_mean(2.0, 25, 400, 0.001), np.random.default_rng(0)
    first, second = chance.normal(size, 2.0, (4000, 25)), chance.normal(0.0, 2.0, (4000, 400))
    assert (ttest_ind(first, second, axis=1, equal_var=False).pvalue <= 0.001).mean() == pytest.approx(0.8, abs=0.03)
    assert math.isnan(detectable_mean(0.0, 25, 400, 0.001))  # nothing varies


def test_no_gap_is_said_where_even_no_right_answer_would_not_be_found() -> None:
    assert detectable_share(0.05, 30, 300, 0.001) == math.inf


def test_what_slices_would_show_is_at_the_level_of_all_comparisons() -> None:
    one = Gap("slices", "x", "y", 0.1, (0.01, 0.2), 0.5, (0.75, 0.85), (200, 1800))
    spread = Gap("slices", "x", "y", 0.1, (0.01, 0.2), 0.5, (0.75, 0.85), (200, 1800), deviation=0.3)
    other = Gap("words", "x", "y", 0.1, (0.01, 0.2), 0.5, (0.75, 0.85), (200, 1800))
    slices, words = corrected([Section("slices", "s", (one, spread)), Section("words", "w", (other,))])
    assert slices.gaps[0].detectable == detectable_share(0.85, 200, 1800, 0.05 / 4)  # two parts, two slices
    assert slices.gaps[1].detectable == detectable_mean(0.3, 200, 1800, 0.05 / 4)
    assert math.isnan(words.gaps[0].detectable)

"""p-values against known ones, and by simulation what they promise."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy.stats import kstest

from taskzoo.metrics.base import CorpusMetric, ratio
from taskzoo.metrics.intervals import bootstrap_replicates
from taskzoo.metrics.paired import expanded_level, interval_of_pairs
from taskzoo.metrics.regression import Regression
from taskzoo.metrics.significance import holm, mcnemar, randomization, rows_needed
from taskzoo.metrics.single_label import SingleLabel
from taskzoo.types import Prediction, Score


def test_mcnemar_by_hand() -> None:
    assert mcnemar(1, 7) == pytest.approx(2 * (1 + 8) / 2**8)
    assert mcnemar(7, 1) == mcnemar(1, 7)
    assert mcnemar(0, 0) == mcnemar(5, 5) == 1.0
    assert mcnemar(0, 6) == pytest.approx(2 / 2**6)


def test_mcnemar_as_published() -> None:
    """Statsmodels' documented example: 121 and 59 discordant; exact p 4.434e-06."""
    assert mcnemar(121, 59) == pytest.approx(4.434e-06, rel=1e-3)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    found = holm([0.01, math.nan, 0.04])
    assert math.isnan(found[1])
    assert [found[0], found[2]] == pytest.approx([0.02, 0.04])


class Entities(CorpusMetric):
    """F1 of counts ``(right, predicted, gold)``."""

    scores = (Score("f1"),)

    def statistics(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> np.ndarray:
        return np.array([one["counts"] for one in predictions], dtype=np.float64)

    def from_sums(self, total: np.ndarray) -> dict[str, float]:
        return {"f1": ratio(2 * total[0], total[1] + total[2])}


def entity_counts(generator: np.random.Generator, rows: int, skill: float | np.ndarray, gold: np.ndarray) -> np.ndarray:
    right = generator.binomial(gold, skill)
    return np.stack([right, right + generator.binomial(2, 1 - skill, size=rows), gold], axis=1).astype(np.float64)


def test_randomization_against_all_swaps() -> None:
    gold = [{"label": label} for label in "abcabcab"]
    sides = [[{"label": label} for label in given] for given in ("abcabcaa", "abaaabcc")]
    metric = SingleLabel("abc")
    observed = abs(np.subtract(*(metric.compute(side, gold)["f1_macro"] for side in sides)))
    extreme = 0
    for swaps in itertools.product((0, 1), repeat=len(gold)):
        mixed = [[sides[swap ^ side][i] for i, swap in enumerate(swaps)] for side in (0, 1)]
        extreme += abs(np.subtract(*(metric.compute(side, gold)["f1_macro"] for side in mixed))) >= observed - 1e-12
    statistics = [metric.statistics(side, gold) for side in sides]
    found = randomization(metric, *statistics, samples=1500)
    assert found["f1_macro"] == pytest.approx(extreme / 2 ** len(gold), abs=0.03)


def test_randomization_of_equal_and_of_undefined_scores() -> None:
    metric, generator = Entities(), np.random.default_rng(0)
    counts = entity_counts(generator, 30, 0.8, generator.integers(3, size=30))
    assert randomization(metric, counts, counts, samples=50) == {"f1": 1.0}
    nothing = np.zeros((30, 3))
    assert math.isnan(randomization(metric, nothing, nothing, samples=50)["f1"])
    assert randomization(metric, counts[:0], counts[:0]) == {}
    assert randomization(metric, [1, 2], [2, 3]) == {}


def test_rows_needed_by_hand() -> None:
    """(1.96 + 0.8416)^2 = 7.849 times the variance of a row, by the squared difference."""
    error = math.sqrt(0.2 / 400)
    assert rows_needed(400, 0.04, error) == math.ceil(7.8489 * 0.2 / 0.04**2)
    assert rows_needed(400, -0.04, error) == rows_needed(400, 0.04, error)
    assert rows_needed(400, 0.04, error, power=0.5) == math.ceil(3.8415 * 0.2 / 0.04**2)
    assert rows_needed(400, 0.0, error) is None
    assert rows_needed(400, 0.1, 0.0) is None
    assert rows_needed(400, math.nan, error) is None


# what they promise, by simulation

TRIALS = 1000


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_p_values_are_uniform_without_a_difference() -> None:
    """Both models draw from one distribution; p is then uniform, up to the steps of 1/200."""
    generator, metric, found = np.random.default_rng(1), Entities(), []
    for trial in range(TRIALS):
        gold = generator.integers(3, size=80)
        sides = [entity_counts(generator, 80, 0.75, gold) for _ in range(2)]
        found.append(randomization(metric, *sides, samples=199, seed=trial)["f1"])
    p = np.array(found)
    print("; ".join(f"p <= {level} in {np.mean(p <= level):.1%}" for level in (0.01, 0.05, 0.1, 0.5)))
    assert kstest(p - generator.random(TRIALS) / 200, "uniform").pvalue > 0.01
    assert 0.035 <= np.mean(p <= 0.05) <= 0.065


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_rows_needed_show_the_difference_four_times_of_five() -> None:
    """One model is right on 12% of the rows alone, the other on 8%: accuracy differs by 0.04."""
    generator, one, two = np.random.default_rng(2), 0.12, 0.08
    rows = rows_needed(1, one - two, math.sqrt(one + two - (one - two) ** 2))
    assert rows is not None
    power = 0
    for _ in range(TRIALS):
        _, first, second, _ = generator.multinomial(rows, (0.7, one, two, 0.1))
        power += mcnemar(int(first), int(second)) <= 0.05
    print(f"{rows} rows: power {power / TRIALS:.1%}")
    assert 0.75 <= power / TRIALS <= 0.85


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_rows_needed_are_enough_for_a_test_of_another_score_too() -> None:
    """F1 of entities, by the randomization test."""
    metric = Entities()

    def draw(generator: np.random.Generator, rows: int) -> list[np.ndarray]:
        gold = generator.integers(4, size=rows)
        return [entity_counts(generator, rows, skill, gold) for skill in (0.8, 0.77)]

    many = draw(np.random.default_rng(5), 4000)
    drawn = [bootstrap_replicates(4000, metric.scorer(side))["f1"] for side in many]
    error = float(np.std(np.subtract(*drawn)))
    truth = float(
        np.subtract(*(metric.from_sums(s.sum(axis=0))["f1"] for s in draw(np.random.default_rng(6), 2_000_000)))
    )
    rows = rows_needed(4000, truth, error)
    assert rows is not None
    generator = np.random.default_rng(7)
    found = [randomization(metric, *draw(generator, rows), samples=199, seed=i)["f1"] for i in range(TRIALS)]
    power = float(np.mean(np.array(found) <= 0.05))
    print(f"{rows} rows for a difference of {truth:.3f}: power {power:.1%}")
    assert 0.76 <= power <= 0.84


# coverage of the paired bootstrap

Draw = Callable[[np.random.Generator, int], list[np.ndarray]]
"""Statistics ``[rows, k]`` of two models on the same rows, as additive counts."""


def draw_right(generator: np.random.Generator, rows: int) -> list[np.ndarray]:
    """1 for a row that is right, and 1."""
    hard = generator.random(rows)
    sides = [(hard + 0.5 * generator.random(rows) < level).astype(np.float64) for level in (1.1, 1.0)]
    return [np.stack([side, np.ones(rows)], axis=1) for side in sides]


def draw_entities(generator: np.random.Generator, rows: int) -> list[np.ndarray]:
    """Entities that are right, predicted, and gold."""
    gold = generator.integers(4, size=rows)
    hard = generator.random(rows) * 0.3  # for both models
    return [entity_counts(generator, rows, 1 - hard - off, gold) for off in (0.1, 0.2)]


def draw_labels(generator: np.random.Generator, rows: int) -> list[np.ndarray]:
    """The cell of a confusion matrix of three labels, of which the rarest has a tenth of the rows."""
    gold, hard = generator.choice(3, size=rows, p=(0.6, 0.3, 0.1)), generator.random(rows)
    sides = []
    for level in (0.85, 0.75):
        right = 0.7 * hard + 0.3 * generator.random(rows) < level - 0.1
        sides.append(np.eye(9)[3 * gold + np.where(right, gold, generator.integers(3, size=rows))])
    return sides


def share(total: np.ndarray) -> np.ndarray:
    return total[..., 0] / total[..., 1]


def entity_f1(total: np.ndarray) -> np.ndarray:
    return 2 * total[..., 0] / (total[..., 1] + total[..., 2])


def macro_f1(total: np.ndarray) -> np.ndarray:
    table = total.reshape(*total.shape[:-1], 3, 3)
    both = table.sum(axis=-1) + table.sum(axis=-2)
    f1 = 2 * np.diagonal(table, axis1=-2, axis2=-1) / np.where(both > 0, both, 1)
    return f1.sum(axis=-1) / (both > 0).sum(axis=-1)


CASES: dict[str, tuple[Draw, Callable[[np.ndarray], np.ndarray]]] = {
    "accuracy": (draw_right, share),
    "F1 of entities": (draw_entities, entity_f1),
    "macro F1 of labels": (draw_labels, macro_f1),
}


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("rows", [50, 100, 400])
@pytest.mark.parametrize("name", CASES)
def test_intervals_of_differences_cover(name: str, rows: int) -> None:
    """As ``zoo compare`` makes them."""
    draw, score = CASES[name]
    truth = float(np.subtract(*(score(side.sum(axis=0)) for side in draw(np.random.default_rng(99), 1_000_000))))
    generator, trials, covered, level = np.random.default_rng(rows), 2 * TRIALS, 0, expanded_level(rows)
    for _ in range(trials):
        weights = generator.multinomial(rows, np.full(rows, 1 / rows), size=1000).astype(np.float64)
        first, second = (score(weights @ side).tolist() for side in draw(generator, rows))
        low, high = interval_of_pairs(first, second, level=level)
        covered += low <= truth <= high
    print(f"{name}, {rows} rows: difference {truth:.3f}, covered {covered / trials:.1%}")
    assert 0.93 <= covered / trials <= 0.97


def test_the_unit_of_a_score_changes_no_p_value() -> None:
    generator = np.random.default_rng(0)
    gold = generator.normal(3.0, 1.0, size=300)
    two = np.stack([gold + generator.normal(size=300) / 10, gold], axis=1)
    one = two.copy()
    one[:5, 0] += 0.5  # 5 rows differ, so that many swaps give the very same difference
    values = [randomization(Regression(), unit * one, unit * two)["mse"] for unit in (1e-4, 1.0, 1e5)]
    assert values == [values[0]] * 3

"""Regression scores equal those of scikit-learn and SciPy, with ties and constants."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from taskzoo.metrics.ranking import Ranks
from taskzoo.metrics.regression import Regression

value = st.integers(-40, 40).map(lambda v: v / 10)  # many ties


def examples(values: Any) -> list[dict[str, float]]:
    return [{"value": float(v)} for v in values]


def score(predicted: Any, gold: Any, mean: float | None = None) -> dict[str, float]:
    metric = Regression(mean)
    return metric.scorer(metric.statistics(examples(predicted), examples(gold)))(np.ones(len(gold)))


@pytest.mark.filterwarnings("ignore")
@settings(deadline=None)
@given(st.lists(st.tuples(value, value), min_size=1, max_size=25))
def test_equal_to_scikit_learn_and_scipy(drawn: list[tuple[float, float]]) -> None:
    predicted, gold = np.array(drawn).T
    ours = score(predicted, gold, mean=0.3)
    assert ours["mse"] == pytest.approx(sk.mean_squared_error(gold, predicted))
    assert ours["rmse"] == pytest.approx(sk.root_mean_squared_error(gold, predicted))
    assert ours["mae"] == pytest.approx(sk.mean_absolute_error(gold, predicted))
    assert ours["mse_of_mean"] == pytest.approx(sk.mean_squared_error(gold, np.full(len(gold), 0.3)))
    constant = {side: len(set(side)) < 2 for side in (tuple(predicted), tuple(gold))}
    if any(constant.values()):
        assert np.isnan([ours["pearson"], ours["spearman"]]).all()
    else:
        assert ours["pearson"] == pytest.approx(scipy.stats.pearsonr(predicted, gold).statistic, abs=1e-9)
        assert ours["spearman"] == pytest.approx(scipy.stats.spearmanr(predicted, gold).statistic, abs=1e-9)
    if constant[tuple(gold)]:
        assert np.isnan(ours["r2"])
    else:
        assert ours["r2"] == pytest.approx(sk.r2_score(gold, predicted))


@given(st.lists(value, min_size=1))
def test_ranks_equal_to_scipy(values: list[float]) -> None:
    ranks = Ranks(np.array(values))(np.ones(len(values)))
    assert ranks.tolist() == scipy.stats.rankdata(values).tolist()


def test_large_values_keep_their_correlation() -> None:
    generator = np.random.default_rng(0)
    gold = 1e8 + generator.normal(size=200)
    predicted = gold + generator.normal(size=200)
    assert score(predicted, gold)["pearson"] == pytest.approx(scipy.stats.pearsonr(predicted, gold).statistic, abs=1e-6)


@pytest.mark.filterwarnings("error")
def test_a_constant_has_no_correlation() -> None:
    found = score([0.1] * 7, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])  # the mean of 0.1 is not exactly 0.1
    assert np.isnan([found["pearson"], found["spearman"]]).all()
    assert np.isfinite(found["r2"])
    assert "mse_of_mean" not in found
    metric = Regression()
    statistics = metric.statistics(examples([0.1, 0.1, 0.1, 5.0]), examples([0.1, 0.2, 0.3, 0.4]))
    drawn = metric.scorer(statistics)(np.array([1.0, 1.0, 1.0, 0.0]))  # the constant rows alone
    assert np.isnan([drawn["pearson"], drawn["spearman"]]).all()


def test_details_name_the_worst_examples() -> None:
    gold, predicted = np.zeros(101), np.linspace(-1, 1, 101)
    predicted[7] = 5.0
    details = Regression().details(examples(predicted), examples(gold))
    assert details["error_quantiles"]["0.5"] == pytest.approx(np.median(predicted))
    assert len(details["worst"]) == 5
    assert details["worst"][0] == {"index": 7, "predicted": 5.0, "gold": 0.0, "error": 5.0}
    assert [row["index"] for row in details["worst"][1:]] == [0, 100, 1, 99]

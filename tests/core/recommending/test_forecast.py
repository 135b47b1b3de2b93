"""Forecasts of scores: from which results, with what in the interval, and where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from taskzoo.recommending.forecast import ProbeScore, forecast_score, is_known
from taskzoo.recommending.measured import comparable, shipped
from taskzoo.recommending.result import Estimate
from taskzoo.types import Score

from .kit import KNOWN, line

PROBE = ProbeScore(Score("accuracy"), 0.7, 0.02, 100, "text")


def forecast(probe: ProbeScore = PROBE, method: str = "auto", train_rows: int = 100, test_rows: int = 50) -> Estimate:
    found = forecast_score(probe, KNOWN, method, train_rows=train_rows, test_rows=test_rows)
    assert isinstance(found, Estimate), found
    return found


def why_not(probe: ProbeScore = PROBE, method: str = "auto", train_rows: int = 100, test_rows: int = 50) -> str:
    found = forecast_score(probe, KNOWN, method, train_rows=train_rows, test_rows=test_rows)
    assert isinstance(found, str)
    return found


def test_it_is_the_probe_and_the_mean_gain() -> None:
    found = forecast()
    assert found.value == pytest.approx(0.7 + np.mean([0.01 + 0.01 * (i % 7) for i in range(8)]), abs=0.005)
    assert found.low < 0.7 < found.value < found.high
    assert "0.700 ± 0.039 of a probe" in found.basis
    assert "on 8 data sets with 100 training rows" in found.basis


def test_the_gain_that_is_told_is_the_one_that_is_added() -> None:
    known = [*(line(number) for number in range(6)), line(6, score=0.9, score_error=0.3)]
    found = forecast_score(PROBE, known, "auto", train_rows=100, test_rows=50)
    assert isinstance(found, Estimate)
    assert f"and {found.value - 0.7:+.3f} that auto gained on average (in accuracy) on 7 data sets" in found.basis


def test_fewer_test_rows_and_a_vaguer_probe_widen_it() -> None:
    def width(one: Estimate) -> float:
        return one.high - one.low

    few, many = forecast(test_rows=20), forecast(test_rows=2000)
    vague = forecast(replace(PROBE, error=0.05))
    grown = forecast(replace(PROBE, growth=0.02, growth_error=0.05))
    assert width(few) > width(forecast()) > width(many)
    assert min(width(vague), width(grown)) > width(forecast())
    assert grown.value == pytest.approx(forecast().value + 0.02, abs=0.005)


def test_it_stays_in_the_range_of_the_score() -> None:
    assert forecast(replace(PROBE, value=0.995)).high == 1.0


def test_there_is_none_without_enough_data_sets_of_like_size() -> None:
    assert "contrastive was measured on 0 data sets" in why_not(method="contrastive")
    assert "0 data sets with 333 to 3,000" in why_not(train_rows=1000)
    assert "a forecast needs 6" in why_not(replace(PROBE, unit="token"))
    assert "on 0 data sets of texts with several labels" in why_not(replace(PROBE, unit="labels"))


def test_there_is_none_for_scores_without_a_common_range() -> None:
    assert "mse is not one" in why_not(replace(PROBE, score=Score("mse", higher_is_better=False)))


def test_there_is_none_without_test_rows() -> None:
    assert "no test rows" in why_not(test_rows=0)


def test_each_data_set_counts_once_with_its_nearest_size() -> None:
    lines = [line(1, rows=100), line(1, rows=300), line(1, rows=280, seed=2), line(2, rows=900), line(3, rows=901)]
    found = comparable(lines, "auto", "text", 300)
    assert [(one.data_set, one.rows) for one in found] == [("set 1", 300), ("set 2", 900)]


def test_whether_anything_is_known_of_a_method_is_told_without_forecasting() -> None:
    assert is_known(PROBE, KNOWN, ["contrastive", "auto"], 100)
    assert not is_known(PROBE, KNOWN, ["contrastive"], 100)
    assert not is_known(PROBE, KNOWN, ["auto"], 1000)


def test_what_is_shipped_can_be_forecast_from() -> None:
    assert len(comparable(shipped(), "auto", "text", 100)) >= 6
    assert len(comparable(shipped(), "linear-probe", "text", 100)) >= 6
    for one in shipped():
        assert 0 <= one.score <= 1
        assert one.variance > 0

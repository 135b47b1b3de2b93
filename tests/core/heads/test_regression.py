"""A number: scales, ranges, losses and its baseline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from taskzoo import RequestError
from taskzoo.heads.regression import RegressionHead, Scale
from taskzoo.types import Batch

finite = st.floats(-1e6, 1e6, allow_subnormal=False)


def values(head: RegressionHead, logits: Sequence[float]) -> list[float]:
    return [p["value"] for p in head.predictions(np.array(logits, dtype=np.float32).reshape(-1, 1))]


@given(st.lists(finite, min_size=2).filter(lambda v: max(v) - min(v) > 1e-3))
def test_a_perfect_model_predicts_gold(gold: list[float]) -> None:
    head = RegressionHead.fitted(gold)
    found = head.predictions(np.array([[head.target(value)] for value in gold]))
    span = max(gold) - min(gold)
    assert [p["value"] for p in found] == pytest.approx(gold, abs=max(1e-3 * span, 1e-6 * max(map(abs, gold))))


@given(st.lists(finite, min_size=2).filter(lambda v: max(v) > min(v)), st.floats(-1e3, 1e3))
def test_predictions_stay_in_the_range_of_training(gold: list[float], logit: float) -> None:
    (value,) = values(RegressionHead.fitted(gold), [logit])
    assert min(gold) <= value <= max(gold)


def test_a_narrow_range_keeps_its_digits() -> None:
    head = RegressionHead.fitted([0.0, 1e-6])
    assert values(head, [0.5]) == [pytest.approx(7.5e-7)]
    assert values(RegressionHead.fitted([0.0, 1.0]), [0.12345678]) == [0.5617]


def test_what_is_learnt_does_not_depend_on_the_order_of_rows() -> None:
    gold = np.random.default_rng(0).normal(size=500).tolist()
    assert RegressionHead.fitted(gold).state() == RegressionHead.fitted(gold[::-1]).state()


def test_equal_numbers_leave_nothing_to_learn() -> None:
    with pytest.raises(RequestError, match=r"All 3 training rows have the number 0\.1; there is nothing to learn"):
        RegressionHead.fitted([0.1] * 3)


def test_the_losses_are_those_of_torch() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, targets = torch.randn(9, 1, generator=generator) * 3, torch.randn(9, generator=generator)
    outputs, batch = SimpleNamespace(logits=logits), Batch({}, {"values": targets})
    squared, huber = (RegressionHead.fitted([0, 1], loss=loss).loss(outputs, batch) for loss in ("mse", "huber"))
    expected = torch.nn.functional.mse_loss(logits[:, 0], targets)
    assert (squared.total / squared.weight).item() == pytest.approx(expected.item())
    expected = torch.nn.functional.huber_loss(logits[:, 0], targets)
    assert (huber.total / huber.weight).item() == pytest.approx(2 * expected.item())
    assert huber.total < squared.total


def test_a_prediction_is_the_number_alone() -> None:
    assert RegressionHead(Scale(3, 1, 1, 5)).predictions(np.zeros((1, 1))) == [{"value": 3.0}]


def test_the_state_is_all_that_is_needed() -> None:
    head = RegressionHead.fitted([1, 2, 4, 5], loss="huber", delta=0.5)
    twin = RegressionHead.from_state(json.loads(json.dumps(head.state())))
    logits = np.linspace(-2, 2, 7).reshape(-1, 1)
    assert twin.predictions(logits) == head.predictions(logits)
    assert twin.state() == head.state()


def test_the_baseline_learns_and_predicts_in_the_same_form() -> None:
    texts = ["good", "very good", "good indeed", "bad", "very bad", "bad indeed"] * 5
    head = RegressionHead.fitted([5.0, 5, 5, 1, 1, 1] * 5)
    predict = head.baseline(texts, [5.0, 5, 5, 1, 1, 1] * 5, 0)
    good, bad = predict(["good", "bad"])
    assert good["value"] > 4 > 2 > bad["value"]


def test_a_continued_run_follows_the_loss_that_is_asked_for() -> None:
    head = RegressionHead.fitted([0, 1], loss="mse", delta=2.0)
    assert head.extended([5.0], {}).state() == {**head.state(), "scale": {**head.state()["scale"], "highest": 5.0}}
    other = head.extended([0.5], {"loss": "huber", "delta": 0.5}).state()
    assert (other["loss"], other["delta"]) == ("huber", 0.5)
    assert head.state()["loss"] == "mse"

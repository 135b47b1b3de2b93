"""A number as the answer: scales, ranges, the nearest whole number, and its metrics."""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from taskzoo import RequestError
from taskzoo.answers.number import Number
from taskzoo.metrics.rounded import RoundedAccuracy

STARS = {"1": "1", "2": "2", "4": "4 stars", "5": "5"}
finite = st.floats(-1e6, 1e6, allow_subnormal=False)


def values(number: Number, logits: Sequence[float]) -> list[float]:
    return [p["value"] for p in number.predictions(np.array(logits, dtype=np.float32).reshape(-1, 1))]


@given(st.lists(finite, min_size=2).filter(lambda v: max(v) - min(v) > 1e-3))
def test_a_perfect_model_predicts_gold(gold: list[float]) -> None:
    number = Number.fitted(gold)
    found = number.predictions(np.array([[number.target(value)] for value in gold]))
    span = max(gold) - min(gold)
    assert [p["value"] for p in found] == pytest.approx(gold, abs=max(1e-3 * span, 1e-6 * max(map(abs, gold))))


@given(st.lists(finite, min_size=2).filter(lambda v: max(v) > min(v)), st.floats(-1e3, 1e3))
def test_predictions_stay_in_the_range_of_training(gold: list[float], logit: float) -> None:
    (value,) = values(Number.fitted(gold), [logit])
    assert min(gold) <= value <= max(gold)


def test_a_narrow_range_keeps_its_digits() -> None:
    number = Number.fitted([0.0, 1e-6])
    assert values(number, [0.5]) == [pytest.approx(7.5e-7)]
    assert values(Number.fitted([0.0, 1.0]), [0.12345678]) == [0.5617]


def test_what_is_learnt_does_not_depend_on_the_order_of_rows() -> None:
    gold = np.random.default_rng(0).normal(size=500).tolist()
    assert Number.fitted(gold).state() == Number.fitted(gold[::-1]).state()


def test_equal_numbers_leave_nothing_to_learn() -> None:
    with pytest.raises(RequestError, match=r"All 3 training rows have the number 0\.1; there is nothing to learn"):
        Number.fitted([0.1] * 3)


def test_the_losses_are_those_of_torch() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, targets = torch.randn(9, 1, generator=generator) * 3, torch.randn(9, generator=generator)
    batch = {"inputs": {}, "targets": {"values": targets}}
    squared, count = Number.fitted([0, 1]).loss(SimpleNamespace(logits=logits), batch, label_smoothing=0.0)
    assert (squared / count).item() == pytest.approx(torch.nn.functional.mse_loss(logits[:, 0], targets).item())
    huber, count = Number.fitted([0, 1], loss="huber").loss(SimpleNamespace(logits=logits), batch, label_smoothing=0.0)
    assert (huber / count).item() == pytest.approx(2 * torch.nn.functional.huber_loss(logits[:, 0], targets).item())
    assert huber < squared


@pytest.mark.parametrize(("value", "label"), [(1, "1"), (3.49, "3"), (3.5, "4 stars"), (4.4999, "4 stars"), (4.5, "5")])
def test_the_nearest_whole_number_is_named(value: float, label: str) -> None:
    assert Number(3, 1, 1, 5, names=STARS).references([value]) == [{"value": value, "label": label}]


def test_without_names_there_is_no_label() -> None:
    assert Number(3, 1, 1, 5).predictions(np.zeros((1, 1))) == [{"value": 3.0}]


@pytest.mark.parametrize("names", [None, STARS])
def test_the_state_is_all_that_is_needed(names: dict[str, str] | None) -> None:
    number = Number.fitted([1, 2, 4, 5], loss="huber", delta=0.5, names=names)
    twin = Number.from_state(json.loads(json.dumps(number.state())))
    logits = np.linspace(-2, 2, 7).reshape(-1, 1)
    assert twin.predictions(logits) == number.predictions(logits)
    assert twin.state() == number.state()


def test_the_baseline_learns_and_answers_in_the_same_form() -> None:
    texts = ["good", "very good", "good indeed", "bad", "very bad", "bad indeed"] * 5
    number = Number.fitted([5.0, 5, 5, 1, 1, 1] * 5, names=STARS)
    predict = number.baseline(texts, [5.0, 5, 5, 1, 1, 1] * 5, 0)
    good, bad = predict(["good", "bad"])
    assert good["value"] > 4 > 2 > bad["value"]
    assert good["label"] == "5"


# the accuracy of rounded numbers


def scores(predicted: Sequence[float], gold: Sequence[float]) -> dict[str, Any]:
    sides = [[{"value": value} for value in side] for side in (predicted, gold)]
    found: dict[str, Any] = RoundedAccuracy().compute(predictions=sides[0], references=sides[1]) or {}
    return found


def test_accuracy_of_rounded_numbers() -> None:
    assert scores([3.8, 3.5, 2.4, 1.0], [4, 4, 1, 5]) == {"accuracy": 0.5, "accuracy_within_one": 0.75}


@given(st.lists(st.tuples(st.floats(1, 5), st.integers(1, 5)), min_size=1))
def test_the_label_of_a_prediction_is_what_counts_as_right(pairs: list[tuple[float, int]]) -> None:
    number = Number(3, 1, 1, 5, names=STARS)
    predicted, gold = (number.references(side) for side in zip(*pairs, strict=True))
    right = np.mean([p["label"] == r["label"] for p, r in zip(predicted, gold, strict=True)])
    assert scores(*zip(*pairs, strict=True))["accuracy"] == pytest.approx(right)

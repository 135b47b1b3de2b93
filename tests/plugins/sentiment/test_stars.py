"""Stars as a number: the nearest whole number, its name, and its accuracy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskzoo.heads.regression import Scale
from taskzoo.metrics.rounded import RoundedAccuracy
from taskzoo_sentiment.stars import StarsHead

STARS = {"1": "1", "2": "2", "4": "4 stars", "5": "5"}
HEAD = StarsHead(Scale(3, 1, 1, 5), names=STARS)


@pytest.mark.parametrize(("value", "label"), [(1, "1"), (3.49, "3"), (3.5, "4 stars"), (4.4999, "4 stars"), (4.5, "5")])
def test_the_nearest_whole_number_is_named(value: float, label: str) -> None:
    assert HEAD.references([value]) == [{"value": value, "label": label}]


def test_the_state_is_all_that_is_needed() -> None:
    head = StarsHead.fitted([1, 2, 4, 5], loss="huber", delta=0.5, names=STARS)
    twin = StarsHead.from_state(json.loads(json.dumps(head.state())))
    logits = np.linspace(-2, 2, 7).reshape(-1, 1)
    assert twin.predictions(logits) == head.predictions(logits)
    assert twin.state() == head.state()


def test_the_baseline_names_stars_too() -> None:
    texts = ["good", "very good", "good indeed", "bad", "very bad", "bad indeed"] * 5
    gold = [5.0, 5, 5, 1, 1, 1] * 5
    good, bad = StarsHead.fitted(gold, names=STARS).baseline(texts, gold, 0)(["good", "bad"])
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
    predicted, gold = (HEAD.references(side) for side in zip(*pairs, strict=True))
    right = np.mean([p["label"] == r["label"] for p, r in zip(predicted, gold, strict=True)])
    assert scores(*zip(*pairs, strict=True))["accuracy"] == pytest.approx(right)

"""Rows with which a finished run is continued: options, kinds, names of stars and the range of numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from taskzoo import RequestError, Row, registry
from taskzoo_sentiment.task import SentimentTask

STARS, NUMBERS = ["1", "2", "3", "4", "5"], ["-2.5", "0.5", "1", "3"]
AS_NUMBERS = {"stars_as": "numbers"}


def rows(labels: Sequence[Any]) -> list[Row]:
    return [Row({"text": f"text {n}", "label": label}, "new.csv", n) for n, label in enumerate(labels, 1)]


def task_of(**options: Any) -> SentimentTask:
    return SentimentTask(registry.task("sentiment").resolve_options(options))


def continued(
    labels: Sequence[Any], further: Sequence[Any], before: dict[str, Any] | None = None, **options: Any
) -> Any:
    """The task after both, with ``before`` as options of the first run and ``options`` in their place."""
    first, task = task_of(**(before or {})), task_of(**{**(before or {}), **options})
    first.fit(first.prepare(rows(labels), "train"))
    task.restore(json.loads(json.dumps(first.state())))
    task.extend(task.prepare(rows(further), "train"))
    return task


@pytest.mark.parametrize(("labels", "before"), [(NUMBERS, {}), (STARS, AS_NUMBERS)])
def test_the_loss_of_numbers_is_followed(labels: list[str], before: dict[str, Any]) -> None:
    assert continued(labels, labels, before, loss="huber").text_head.state()["loss"] == "huber"
    assert continued(labels, labels, {**before, "loss": "huber"}, loss="mse").text_head.state()["loss"] == "mse"


@pytest.mark.parametrize(
    ("labels", "before", "options", "message"),
    [
        (STARS, {}, AS_NUMBERS, "stars_as=numbers was asked for, and the earlier run was trained on stars as classes;"),
        (STARS, AS_NUMBERS, {"stars_as": "classes"}, "stars_as=classes was asked for, .* on stars as numbers; leave"),
        (NUMBERS, {}, {"focal_gamma": 2.0}, "focal_gamma=2.0 is for classes, and the labels are read as numbers"),
        (NUMBERS, {}, {"class_weights": "balanced"}, "class_weights=balanced is for classes"),
        (NUMBERS, {}, {"kind": "classes"}, "kind=classes was asked for, .* trained on labels that are intensity; leav"),
        (STARS, AS_NUMBERS, {"kind": "classes"}, "kind=classes was asked for, .* trained on labels that are stars"),
        (STARS, {}, {"kind": "intensity"}, "kind=intensity was asked for, .* trained on labels that are stars; leave"),
        (["a", "b"], {}, {"kind": "stars"}, "kind=stars was asked for, .* trained on labels that are binary; leave"),
        (
            ["a", "b"],
            {},
            {"kind": "three-way"},
            "has 3 labels, but with those of the earlier run there are 2: 'a', 'b'",
        ),
        (["a", "b"], {}, {"loss": "huber"}, "loss=huber is for numbers"),
    ],
)
def test_options_that_do_not_suit_the_run_are_refused(
    labels: list[str], before: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(RequestError, match=message) as error:
        continued(labels, labels, before, **options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("labels", "further", "options", "message"),
    [
        (
            STARS,
            ["1", "great"],
            {},
            "new.csv:2: the label 'great' is not a number, unlike '1' of the earlier run; corr",
        ),
        (STARS, ["great", "Great"], {"kind": "classes"}, "new.csv:2: the label 'Great' is written 'great' on line 1;"),
        (["bad", "good"], ["Good"], {}, "new.csv:1: the label 'Good' is written 'good' in the earlier run; write both"),
        (["bad", "good"], ["5"], {}, "new.csv:1: the label '5' is a number, unlike 'bad' of the earlier run; correct"),
        (
            STARS,
            ["7"],
            {},
            "new.csv:1: the label '7' is not a whole number of stars .* or train on all rows from the b",
        ),
        (["bad", "good"], ["fine"], {"kind": "binary"}, "kind=binary has 2 labels, but with those of the earlier run"),
    ],
)
def test_new_labels_are_checked_as_those_of_a_new_run(
    labels: list[str], further: list[str], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(RequestError, match=message):
        continued(labels, further, **options)


@pytest.mark.parametrize(
    ("labels", "further", "options", "kind", "known"),
    [
        (["bad", "good"], ["fine"], {}, "three-way", ["bad", "good", "fine"]),
        (["bad", "good"], ["good"], {}, "binary", ["bad", "good"]),
        (["bad", "good", "fine"], ["odd"], {}, "classes", ["bad", "fine", "good", "odd"]),
        (["1", "2", "4", "5"], ["3.0", "5.0", "3"], {}, "stars", ["1", "2", "4", "5", "3"]),
        (STARS, ["great", "5"], {"kind": "classes"}, "classes", [*STARS, "great"]),
        (["bad", "good"], ["5"], {"kind": "classes"}, "classes", ["bad", "good", "5"]),
    ],
)
def test_the_kind_of_classes_grows_with_them(
    labels: list[str], further: list[str], options: dict[str, Any], kind: str, known: list[str]
) -> None:
    task = continued(labels, further, **options)
    assert (task.kind, task.text_head.labels) == (kind, known)


def test_stars_and_numbers_go_on_with_names_and_range() -> None:
    stars = continued(["1 star", "2 stars", "4 stars", "5 stars"], ["3 stars", "4"], AS_NUMBERS)
    assert stars.text_head.names == {str(n): f"{n} star{'s' * (n > 1)}" for n in range(1, 6)}
    assert [stars.label_classes(value) for value in (3.0, 4.0)] == [["3 stars"], ["4 stars"]]
    number = continued(NUMBERS, ["7.5"])
    assert (number.text_head.scale.lowest, number.text_head.scale.highest) == (-2.5, 7.5)
    assert [number.stratum(value) for value in (-2.5, 2.5, 2.6, 7.5)] == ["level 0", "level 2", "level 2", "level 4"]

"""Sentiment from rows to predictions: what each kind makes of labels, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from taskzoo import DataError, RequestError, Row, registry
from taskzoo.config import TRAINING_FIELDS
from taskzoo.data.shots import take_shots
from taskzoo.data.splits import overlap_report
from taskzoo.types import Batch
from taskzoo_sentiment.task import SentimentTask

STARS = ["1", "2", "3", "4", "5"]


def rows_of(labels: Sequence[Any], source: str = "train.csv") -> list[Row]:
    return [Row({"text": f"text {line}", "label": label}, source, line) for line, label in enumerate(labels, 2)]


def fitted(labels: Sequence[Any], **options: Any) -> SentimentTask:
    task = SentimentTask(registry.task("sentiment").resolve_options(options))
    task.fit(task.prepare(rows_of(labels), "train"))
    return task


def predicted(task: SentimentTask, logits: Sequence[Sequence[float]]) -> list[dict[str, Any]]:
    examples = task.prepare([Row({"text": f"text {i}"}) for i in range(len(logits))], "predict")
    parts = task.decode(SimpleNamespace(logits=torch.tensor(logits)), Batch({}, {}))
    return task.assemble(examples, [[part] for part in parts])


# classes


def test_the_positive_label_is_the_second() -> None:
    """Precision, recall and F1 of a binary task are those of the second label."""
    task = fitted(["好评", "差评", " 好评 "])
    assert task.text_head.labels == ["差评", "好评"]
    assert predicted(task, [[-1.0, 1.0]])[0]["label"] == "好评"
    assert task.references(task.prepare(rows_of(["好评"]), "test")) == [{"label": "好评"}]


def test_labels_are_kept_as_they_are_written() -> None:
    assert fitted(["NEG", "Pos", "neutral"]).text_head.labels == ["NEG", "neutral", "Pos"]
    assert fitted(["4 stars", "1 star", "2 stars"]).text_head.labels == ["1 star", "2 stars", "4 stars"]
    assert fitted(["1.0", "2.0", "3.0", "4.0", "5"]).text_head.labels == ["1", "2", "3", "4", "5"]


def test_numbers_and_truth_values_of_json_are_labels() -> None:
    assert fitted([1, 0, 1.0]).text_head.labels == ["0", "1"]
    assert fitted([True, False]).text_head.labels == ["false", "true"]


def test_pairs_of_texts() -> None:
    task = fitted(["neg", "pos"])
    (row,) = task.prepare([Row({"text": "cold soup", "text_pair": "the soup", "label": "neg"})], "test")
    assert task.dedup_key(row) == ("cold soup\nthe soup", "neg")


@pytest.mark.parametrize(
    ("labels", "options", "expected"),
    [
        (["pos", "neg", "pos"], {}, "binary, neg (1 row), pos (2 rows) (detected from the labels; kind=... sets it)"),
        (["a", "b", "c"], {"kind": "three-way"}, "three-way, a (1 row), b (1 row), c (1 row)"),
        (STARS, {"kind": "stars", "stars_as": "numbers"}, "stars as a number from 1 to 5, mean 3, deviation 1.41"),
        (["-0.5", "0.25", "1", "0"], {"kind": "intensity"}, "intensity, a number from -0.5 to 1, mean 0.188, "),
        (["very bad", "bad", "good", "fine"], {}, "4 classes, very bad (1 row), bad "),
        (["9"] * 2 + [str(n) for n in range(30)], {"kind": "classes"}, "30 classes, from 1 rows (0) to 3 (9)"),
    ],
)
def test_what_was_found_is_said_in_one_line(labels: list[str], options: dict[str, Any], expected: str) -> None:
    said = fitted(labels, **options).describe()
    assert said.startswith(expected)
    assert "\n" not in said
    assert len(said) < 160


# stars


def test_stars_are_classes_or_numbers() -> None:
    classes = fitted(STARS)
    assert (classes.text_head.problem_type, classes.text_head.labels) == ("single_label_classification", STARS)
    numbers = fitted(STARS, stars_as="numbers")
    assert (numbers.text_head.problem_type, numbers.text_head.labels) == ("regression", [])
    assert {m.__class__.__name__ for m in numbers.metrics()} == {"Regression", "RoundedAccuracy"}


def test_a_number_of_stars_comes_with_the_nearest_star() -> None:
    task = fitted([1, 2, 3, 4, 5], stars_as="numbers")  # mean 3, deviation sqrt(2)
    low, middle, high = predicted(task, [[-9.0], [0.8 / 2**0.5], [9.0]])
    assert (low["value"], low["label"]) == (1.0, "1")
    assert (middle["value"], middle["label"]) == (3.8, "4")
    assert (high["value"], high["label"]) == (5.0, "5")


def test_predicted_stars_stay_within_the_range_seen() -> None:
    task = fitted(["2", "3", "4", "4"], kind="stars", stars_as="numbers")
    assert [(p["value"], p["label"]) for p in predicted(task, [[-9.0], [9.0]])] == [(2.0, "2"), (4.0, "4")]


def test_stars_are_called_as_the_user_calls_them() -> None:
    task = fitted(["1 star", "2 stars", "4 stars", "5 stars"], stars_as="numbers")
    assert predicted(task, [[9.0]])[0]["label"] == "5 stars"
    rows = task.prepare(rows_of(["4 stars", "3 stars"], "test.csv"), "test")
    assert task.references(rows) == [{"value": 4.0, "label": "4 stars"}, {"value": 3.0, "label": "3"}]
    assert [task.classes(row) for row in rows] == [["4 stars"], ["3"]]


@pytest.mark.parametrize("options", [{}, {"stars_as": "numbers"}])
def test_seven_stars_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"^train\.csv:7: the label '7' is not a whole number of stars from 1 to 5"):
        fitted([*STARS, "7"], kind="stars", **options)


def test_stars_of_the_test_file_are_checked_too() -> None:
    task = fitted(STARS, stars_as="numbers")
    with pytest.raises(DataError, match=r"^test\.csv:2: the label '3\.5' is not a whole number of stars"):
        task.prepare(rows_of(["3.5"], "test.csv"), "test")


# intensity


def test_an_intensity_is_a_number() -> None:
    task = fitted(["-2.5", "0.5", "1", "3"])
    assert [set(p) for p in predicted(task, [[0.1]])] == [{"text", "value"}]
    rows = task.prepare(rows_of([" -0.75 ", 2], "test.jsonl")[:1], "test")
    assert task.references(rows) == [{"value": -0.75}]
    assert task.metrics()[0].__class__.__name__ == "Regression"
    assert len(task.metrics()) == 1


@pytest.mark.parametrize("label", ["good", "nan", "inf", "", None, float("nan"), float("inf")])
def test_what_is_not_a_number_is_refused_with_its_line(label: Any) -> None:
    task = fitted(["-2.5", "0.5", "1", "3"])
    with pytest.raises(DataError, match=r"^test\.csv:2: the label "):
        task.prepare(rows_of([label], "test.csv"), "test")


def test_no_shots_of_numbers() -> None:
    task = fitted(["-2.5", "0.5", "1", "3"])
    rows = task.prepare(rows_of(["0.5"]), "train")
    with pytest.raises(RequestError, match="None of the training rows has a class"):
        take_shots(rows, task.classes, 2, 0)
    stars = fitted(STARS, stars_as="numbers")
    rows = stars.prepare(rows_of(STARS * 3), "train")
    assert len(take_shots(rows, stars.classes, 2, 0)[0]) == 10


def conflicts(task: SentimentTask, labels: Sequence[str]) -> int:
    rows = [Row({"text": "the same", "label": label}, "train.csv", line) for line, label in enumerate(labels, 2)]
    found: int = overlap_report({"train": task.prepare(rows, "train")}, task.dedup_key)["conflicting_targets"]["count"]
    return found


def test_only_clear_contradictions_are_conflicts() -> None:
    task = fitted(["-3", "-1.2", "0.1", "2.9", "3"])
    assert conflicts(task, ["0.6", "0.6000001", "0.61"]) == 0
    assert conflicts(task, ["2.6", "3"]) == 0
    assert conflicts(task, ["-2.4", "2.4"]) == 1
    assert conflicts(fitted(["neg", "pos"]), ["neg", "pos"]) == 1


def test_splits_keep_all_levels_of_intensity() -> None:
    """Strata need few distinct targets; values themselves are nearly all distinct."""
    task = SentimentTask(registry.task("sentiment").resolve_options({}))
    values = [f"{value:.4f}" for value in np.random.default_rng(0).uniform(-1, 1, 200)]
    rows = task.prepare(rows_of(values), "train")
    assert len({task.dedup_key(row)[1] for row in rows}) == 5


# requests that make no sense


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        (["neg"] * 3, {}, "All 3 training rows have the label 'neg'; there is nothing to learn"),
        (["3"] * 3, {"kind": "stars", "stars_as": "numbers"}, "All 3 training rows have the number 3"),
        (["0.5"] * 3, {"kind": "intensity"}, "All 3 training rows have the number 0.5"),
        (["a", "b", "c"], {"kind": "binary"}, "kind=binary has 2 labels, but the training rows have 3"),
        (["a", "b"], {"stars_as": "numbers"}, "stars_as=numbers is for stars from 1 to 5, and these labels are binary"),
        (["a", "b"], {"loss": "huber"}, r"loss=huber is for numbers, and the labels are read as classes here \(binary"),
        (["0.1", "0.2", "1", "2"], {"class_weights": "sqrt"}, "class_weights=sqrt is for classes"),
        (STARS, {"stars_as": "numbers", "focal_gamma": 2.0}, "focal_gamma=2.0 is for classes"),
        ([["neg", "pos"], ["pos"]], {}, r"train.csv:2: the label \['neg', 'pos'\] is a list and one label per text"),
        (["neg", 1], {}, "train.csv:3: the label 1 is of the kind number, but 'neg' on line 2"),
        (["neg", None], {}, "train.csv:3: the label is missing or empty"),
    ],
)
def test_requests_that_make_no_sense(labels: list[Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message) as error:
        fitted(labels, **options)
    assert "\n" not in str(error.value)


def test_smoothing_labels_has_no_meaning_for_numbers() -> None:
    task = fitted(["0.1", "0.2", "1", "2"])
    outputs, batch = SimpleNamespace(logits=torch.zeros(1, 1)), Batch({}, {"values": torch.zeros(1)})
    with pytest.raises(RequestError, match="label_smoothing"):
        task.loss(outputs, batch, label_smoothing=0.1)


def test_no_option_hides_a_setting_of_the_engine() -> None:
    assert not set(registry.task("sentiment").options) & set(TRAINING_FIELDS)


# storage


@pytest.mark.parametrize(
    ("labels", "options"),
    [
        (["差评", "好评"], {"class_weights": "balanced"}),
        (STARS, {}),
        (["1 star", "2 stars", "4 stars", "5 stars"], {"stars_as": "numbers"}),
        (["-0.5", "0.25", "1", "0"], {"loss": "huber"}),
    ],
)
def test_the_state_is_all_that_is_needed(labels: list[str], options: dict[str, Any]) -> None:
    task = fitted(labels, **options)
    twin = SentimentTask(task.options)
    twin.restore(json.loads(json.dumps(task.state())))
    assert twin.state() == task.state()
    logits = np.random.default_rng(0).normal(size=(4, len(task.text_head.labels) or 1)).tolist()
    for one, other in zip(predicted(task, logits), predicted(twin, logits), strict=True):
        assert {k: v for k, v in one.items() if k[0] != "_"} == {k: v for k, v in other.items() if k[0] != "_"}
    rows = rows_of(labels, "test.csv")
    assert twin.references(twin.prepare(rows, "test")) == task.references(task.prepare(rows, "test"))

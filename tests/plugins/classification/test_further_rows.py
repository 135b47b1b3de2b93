"""Rows with which a finished run is continued: options that are followed, and options that are refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from taskzoo import RequestError, Row, registry
from taskzoo_classification.task import ClassificationTask

SEVERAL, VECTORS = ["a", "b", "a,b"], [[1, 0], [0, 1], [1, 1]]


def rows(labels: Sequence[Any]) -> list[Row]:
    return [Row({"text": f"text {n}", "label": label}, "train.csv", n) for n, label in enumerate(labels, 1)]


def task_of(**options: Any) -> ClassificationTask:
    return ClassificationTask(registry.task("classification").resolve_options(options))


def continued(labels: Sequence[Any], further: Sequence[Any], before: dict[str, Any], **options: Any) -> Any:
    """The task after both, with ``before`` as options of the first run and ``options`` in their place."""
    first, task = task_of(**before), task_of(**{**before, **options})
    first.fit(first.prepare(rows(labels), "train"))
    task.restore(json.loads(json.dumps(first.state())))
    task.extend(task.prepare(rows(further), "train"))
    return task


@pytest.mark.parametrize("before", ["", "/"])
@pytest.mark.parametrize("asked", ["", "/"])
def test_the_levels_of_labels_are_those_asked_for(before: str, asked: str) -> None:
    task = continued(["1/a", "2/b"], ["2/c"], {"hierarchy": before}, hierarchy=asked)
    assert task.text_head.labels == ["1/a", "2/b", "2/c"]
    assert task.text_head.state()["hierarchy"] == asked
    assert task.metrics()[0].hierarchy == asked


def test_another_separator_is_followed() -> None:
    task = continued(SEVERAL, ["a|c"], {}, label_separator="|")
    assert task.text_head.labels == ["a", "b", "c"]
    assert continued(SEVERAL, ["a,c"], {}).text_head.labels == ["a", "b", "c"]


def test_class_weights_and_focal_loss_are_followed() -> None:
    head = continued(["a", "b"], ["a", "a", "b"], {}, class_weights="balanced", focal_gamma=2.0).text_head.state()
    assert head["class_weights"] == pytest.approx([0.75, 1.5])
    assert head["focal_gamma"] == 2


@pytest.mark.parametrize(
    ("labels", "options"),
    [
        (["a", "b"], {"kind": "single"}),
        (["a", "b"], {"label_separator": "|"}),
        (SEVERAL, {"kind": "multi"}),
        (VECTORS, {"vector_labels": "0,1"}),
    ],
)
def test_options_that_say_what_the_run_has_are_no_change(labels: list[Any], options: dict[str, Any]) -> None:
    assert len(continued(labels, labels, {}, **options).text_head.labels) == 2


@pytest.mark.parametrize(
    ("labels", "further", "options", "message"),
    [
        (
            ["a", "b"],
            ["a"],
            {"kind": "multi"},
            "kind=multi was asked for, and the earlier run was trained on one label",
        ),
        (SEVERAL, ["a"], {"kind": "single"}, "kind=single was asked for, .* on several labels per text; leave it out"),
        (VECTORS, VECTORS, {"vector_labels": "x,y"}, "vector_labels=x,y was .* trained on vectors for '0', '1'; leave"),
        (["a", "b"], VECTORS, {"vector_labels": "x,y"}, "vector_labels=x,y was .* trained on labels that are no vec"),
        (
            ["a", "b"],
            ["a", "a|b"],
            {"label_separator": "|"},
            r"train\.csv:2: the label 'a\|b' is several with label_se",
        ),
    ],
)
def test_options_that_ask_for_other_labels_are_refused(
    labels: list[Any], further: list[Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(RequestError, match=message) as error:
        continued(labels, further, {}, **options)
    assert "\n" not in str(error.value)

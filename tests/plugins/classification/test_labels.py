"""One label per text or several: what is inferred, and what a cell may hold."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from taskzoo import DataError, RequestError, Row, registry
from taskzoo.heads.multi_label import MultiLabelHead
from taskzoo.heads.single_label import SingleLabelHead
from taskzoo_classification.label_cells import find_kind, several_labels
from taskzoo_classification.task import ClassificationTask


def rows(*labels: Any, source: str = "train.csv") -> list[Row]:
    return [Row({"text": f"text {n}", "label": label}, source, n) for n, label in enumerate(labels, 1)]


@pytest.mark.parametrize(
    ("labels", "per_label", "expected"),
    [
        (2, 3, False),
        (19, 10, False),
        (20, 10, True),
        (20, 150, True),
        (20, 151, False),
        (1000, 3, True),
        (2000, 3, False),
    ],
)
def test_many_labels_of_few_rows_start_from_a_probe(labels: int, per_label: int, expected: bool) -> None:
    task = task_of()
    assert not task.probe_first
    task.fit(task.prepare(rows(*[f"label {n}" for n in range(labels)] * per_label), "train"))
    assert task.probe_first is expected


def task_of(**options: Any) -> ClassificationTask:
    return ClassificationTask(registry.task("classification").resolve_options(options))


@pytest.mark.parametrize(
    ("labels", "asked", "separator", "expected"),
    [
        (["a", "b", "a"], "auto", "", ("single", "")),
        ([1, 2, 1], "auto", "", ("single", "")),
        ([["a"], ["a", "b"]], "auto", "", ("multi", "")),
        ([np.array(["a"]), np.array(["a", "b"])], "auto", "", ("multi", "")),
        ([np.int64(1), np.int64(2)], "auto", "", ("single", "")),
        (["[]", '["a", "b"]', "a"], "auto", "", ("multi", "")),
        (["4", "27", "4,27"], "auto", "", ("multi", ",")),
        (["4", "27", "4 ; 27"], "auto", "", ("multi", ";")),
        (["4", "27", "4|27"], "auto", "", ("multi", "|")),
        (["Washington, D.C.", "Paris"], "auto", "", ("single", "")),
        (["a,b", "a"], "auto", "", ("single", "")),  # no row is b alone
        (["a b", "a", "b"], "auto", "", ("single", "")),  # spaces separate words, not labels
        (["a b", "c"], "auto", " ", ("multi", " ")),
        (["a", "b"], "auto", ",", ("single", "")),
        (["a", "b"], "multi", ",", ("multi", ",")),
        (["a,b", "c"], "multi", "", ("multi", ",")),
        (["a", "b"], "multi", "", ("multi", "")),
        (["4", "27", "4,27"], "single", "", ("single", "")),
        (["[not json", "b"], "auto", "", ("single", "")),
        (["[link]", "b"], "auto", "", ("single", "")),
    ],
)
def test_one_or_several(labels: list[Any], asked: str, separator: str, expected: tuple[str, str]) -> None:
    assert find_kind(rows(*labels), asked, separator) == expected


@pytest.mark.parametrize(
    ("value", "separator", "expected"),
    [
        ("a,b", ",", ["a", "b"]),
        (" b , a , b ", ",", ["b", "a"]),
        ("a,b", "", ["a,b"]),
        ('["a", "b"]', ",", ["a", "b"]),
        ("[1, 2.0, true]", "", ["1", "2", "true"]),
        ("[]", ",", []),
        ([], "", []),
        (["a", " b", "a"], ",", ["a", "b"]),
        (7, ",", ["7"]),
        (np.array(["b", "a"]), "", ["b", "a"]),
        (np.array([1, 2]), ",", ["1", "2"]),
    ],
)
def test_labels_of_a_cell(value: Any, separator: str, expected: list[str]) -> None:
    assert several_labels(rows(value)[0], separator) == expected


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, r"the label is missing; write \[\] for a text without labels"),
        ("a,,b", "one of the labels .* is empty"),
        ("a,", "one of the labels .* is empty"),
        (["a", ""], "one of the labels .* is empty"),
        (["a", None], "the label None is neither text nor number"),
        ([["a"]], r"the label \['a'\] is neither text nor number"),
    ],
)
def test_cells_that_cannot_be_read(value: Any, said: str) -> None:
    with pytest.raises(DataError, match=rf"^train.csv:1.*{said}"):
        several_labels(rows(value)[0], ",")


def test_the_training_rows_determine_the_kind_for_all_others() -> None:
    task = task_of()
    train = task.prepare(rows("4", "27", "4,27"), "train")
    assert [row["label"] for row in train] == [["4"], ["27"], ["4", "27"]]
    assert [row["label"] for row in task.prepare(rows("27", "4"), "test")] == [["27"], ["4"]]
    single = task_of()
    single.prepare(rows("a", "b"), "train")
    assert [row["label"] for row in single.prepare(rows("a,b"), "test")] == ["a,b"]
    with pytest.raises(DataError, match=r"^test.jsonl:1.*one label per text was asked for; use kind=multi"):
        single.prepare(rows(["a"], source="test.jsonl"), "test")


def test_mixed_types_name_both_lines() -> None:
    with pytest.raises(DataError, match=r"^train.csv:3: the label '1' is of the kind text, but 1 on line 1"):
        task_of().prepare(rows(1, 2, "1"), "train")


def test_labels_are_text_whatever_they_were() -> None:
    task = task_of()
    train = task.prepare(rows(10, 2, 2.0, 10), "train")
    task.fit(train)
    assert isinstance(task.text_head, SingleLabelHead)
    assert task.text_head.labels == ["2", "10"]
    assert task.references(train) == [{"label": "10"}, {"label": "2"}, {"label": "2"}, {"label": "10"}]


def test_a_text_may_have_no_label_among_several() -> None:
    task = task_of()
    train = task.prepare(rows([], ["b", "a"], ["a"]), "train")
    task.fit(train)
    assert isinstance(task.text_head, MultiLabelHead)
    assert task.text_head.labels == ["a", "b"]
    assert [task.classes(row) for row in train] == [[], ["a", "b"], ["a"]]
    assert task.dedup_key(train[0]) == ("text 1", "")
    assert task.dedup_key(train[1]) == ("text 2", "a, b")
    with pytest.raises(RequestError, match="No training row has a label"):
        task_of(kind="multi").fit(task_of(kind="multi").prepare(rows([], []), "train"))


def test_what_was_inferred_is_said_in_one_line() -> None:
    task = task_of()
    task.fit(task.prepare(rows(*["spam"] * 3, *["ham"] * 5), "train"))
    assert task.describe() == "one label per text, 2 labels, from 3 rows (spam) to 5 (ham)"
    several = task_of()
    several.fit(several.prepare(rows("a;b", "a", "b", "a"), "train"))
    assert several.describe() == "several labels (separated by ';') per text, 2 labels, from 2 rows (b) to 3 (a)"


def test_equal_texts_of_a_pair_with_another_partner_are_not_duplicates() -> None:
    task = task_of()
    raw = [Row({"text": "a", "text_pair": pair, "label": "x"}, "f", 1) for pair in ("b", "c", None)]
    keys = [task.dedup_key(example)[0] for example in task.prepare(raw, "train")]
    assert len(set(keys)) == 3


def test_a_restored_task_reads_and_predicts_alike() -> None:
    task = task_of()
    task.fit(task.prepare(rows("4", "27", "4;27"), "train"))
    twin = task_of()
    twin.restore(json.loads(json.dumps(task.state())))
    assert twin.state() == task.state()
    assert [example["label"] for example in twin.prepare(rows("27;4"), "test")] == [["27", "4"]]

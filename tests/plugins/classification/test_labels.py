"""One label per text or several: what is inferred, and what a cell may hold."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from taskzoo import DataError, RequestError, Row, registry
from taskzoo.heads.multi_label import MultiLabelHead
from taskzoo.heads.single_label import SingleLabelHead
from taskzoo_classification.label_cells import LabelCells
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
        (["甲", "乙", "甲、乙"], "auto", "", ("multi", "、")),
        (["甲", "乙", "甲；乙"], "auto", "", ("multi", "；")),
        (["甲", "乙", "甲，乙"], "auto", "", ("multi", "，")),
        (["a", "b", "a\nb"], "auto", "", ("multi", "\n")),
        (["a\nb", "c"], "auto", "", ("single", "")),
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
    options = {"kind": asked, "label_separator": separator, "vector_labels": ""}
    found = LabelCells.of(rows(*labels), options)
    assert (found.kind, found.separator) == expected


@pytest.mark.parametrize(
    ("value", "separator", "expected"),
    [
        ("a,b", ",", ["a", "b"]),
        (" b , a , b ", ",", ["b", "a"]),
        ("a,b", "", ["a,b"]),
        ('["a", "b"]', ",", ["a", "b"]),
        ("[1, 2.0, true]", "", ["1", "2", "true"]),
        ("[]", ",", []),
        ("[a],b,Sports [UK]", ",", ["a", "b", "Sports [UK]"]),
        ("[a]; [b]", ";", ["a", "b"]),
        ("Sports [UK]", "", ["Sports [UK]"]),
        ("[UK] sports [men]", "", ["[UK] sports [men]"]),
        ("[link]", "", ["link"]),
        ([], "", []),
        (["a", " b", "a"], ",", ["a", "b"]),
        (7, ",", ["7"]),
        (np.array(["b", "a"]), "", ["b", "a"]),
        (np.array([1, 2]), ",", ["1", "2"]),
    ],
)
def test_labels_of_a_cell(value: Any, separator: str, expected: list[str]) -> None:
    assert LabelCells("multi", separator).read(rows(value)[0]) == expected


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
        LabelCells("multi", ",").read(rows(value)[0])


def test_the_training_rows_determine_the_kind_for_all_others() -> None:
    task = task_of()
    train = task.prepare(rows("4", "27", "4,27"), "train")
    assert [row["label"] for row in train] == [["4"], ["27"], ["4", "27"]]
    assert [row["label"] for row in task.prepare(rows("27", "4"), "test")] == [["27"], ["4"]]
    single = task_of()
    single.prepare(rows("a", "b"), "train")
    assert [row["label"] for row in single.prepare(rows("a,b"), "test")] == ["a,b"]
    with pytest.raises(DataError, match=r"^test.jsonl:1.*one label per text .*; use kind=multi"):
        single.prepare(rows(["a", "b"], source="test.jsonl"), "test")


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


def read(*labels: Any, split: str = "train", task: ClassificationTask | None = None, **options: Any) -> list[Any]:
    task = task or task_of(**options)
    return [example["label"] for example in task.prepare(rows(*labels), split)]


VECTORS = [[0, 0, 1], [0, 0, 0], [1, 0, 1]]
WRITTEN = {
    "integers": VECTORS,
    "numbers": [[float(place) for place in vector] for vector in VECTORS],
    "truth values": [[bool(place) for place in vector] for vector in VECTORS],
    "arrays": [np.array(vector) for vector in VECTORS],
    "JSON": [json.dumps(vector) for vector in VECTORS],
    "NumPy": [str(np.array(vector, dtype=float)) for vector in VECTORS],
    "commas": [",".join(map(str, vector)) for vector in VECTORS],
    "spaces": [" ".join(map(str, vector)) for vector in VECTORS],
}


@pytest.mark.parametrize("labels", WRITTEN.values(), ids=WRITTEN)
def test_vectors_of_0_and_1_have_a_place_for_each_label(labels: list[Any]) -> None:
    assert read(*labels) == [["2"], [], ["0", "2"]]
    assert read(*labels, vector_labels="toxic, mild,rude") == [["rude"], [], ["toxic", "rude"]]


def test_vectors_of_one_label_each() -> None:
    task = task_of(vector_labels="a,b,c")
    assert read([0, 0, 1], [1, 0, 0], task=task) == ["c", "a"]
    assert task.kind == "single"
    with pytest.raises(DataError, match=r"the label \[1, 0, 1\] is a list of 2.*use kind=multi"):
        read([1, 0, 1], task=task, split="test")
    assert read([0, 0, 1], [1, 0, 0], kind="multi") == [["2"], ["0"]]


def test_vectors_of_other_rows_have_the_places_of_the_training_rows() -> None:
    task = task_of()
    read(*VECTORS, task=task)
    task.fit(task.prepare(rows(*VECTORS), "train"))
    twin = task_of()
    twin.restore(json.loads(json.dumps(task.state())))
    assert read([1, 0, 0], [0, 0, 0], task=twin, split="test") == [["0"], []]
    for other in ([1, 0], ["a"], [2, 0, 1]):
        with pytest.raises(DataError, match="is not a vector of 3 places of 0 and 1"):
            read(other, task=twin, split="test")


@pytest.mark.parametrize(
    ("labels", "options", "said"),
    [
        ([[0.2, 0.8], [0.5, 0.5]], {}, r"train.csv:1: the label \[0.2, 0.8\] is a list of numbers that are not names"),
        ([[0, 0, 1], [0, 1]], {}, r"train.csv:1: the label \[0, 0, 1\] is a list of numbers that are not names"),
        ([[0, 0, 1], [0, 0, 2]], {}, "is a list of numbers that are not names"),
        (VECTORS, {"vector_labels": "a,b"}, r"vector_labels names 2 labels \('a', 'b'\), and vectors have 3 places"),
        (["a", "b"], {"vector_labels": "a,b"}, "the labels are not such vectors"),
        (["['a', nan]", "['b']"], {}, "looks like a list that a program wrote, and cannot be read"),
        (["[0 1 ... 0 1]", "[1 1 ... 0 1]"], {}, "looks like a list that a program wrote, and cannot be read"),
        ([{"a": 1, "b": 0.5}], {}, "sum to 1.5; write probabilities that sum to 1"),
        ([{"a": 1, "b": "perhaps"}], {}, "must give 0 or 1 for every label"),
    ],
)
def test_numbers_that_are_no_names_are_refused(labels: list[Any], options: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        read(*labels, **options)


@pytest.mark.parametrize(
    "labels",
    [
        ["['billing', 'urgent']", "['bug']", "[]"],
        ["['billing' 'urgent']", "['bug']", "[]"],
        ["[billing, urgent]", "[bug]", "[]"],
        ["('billing', 'urgent')", "('bug',)", "()"],
        [("billing", "urgent"), ("bug",), ()],
        [{"billing": 1, "urgent": 1, "bug": 0}, {"bug": True}, {"bug": 0}],
        ['{"billing": 1, "urgent": 1.0}', '{"bug": 1}', "{}"],
    ],
)
def test_lists_as_programs_write_them(labels: list[Any]) -> None:
    assert read(*labels) == [["billing", "urgent"], ["bug"], []]


def test_lists_of_one_label_each_are_one_label() -> None:
    assert read(["a"], ["b"]) == ["a", "b"]
    assert read("['a']", "['b']") == ["a", "b"]
    assert read(["a"], ["b"], kind="multi") == [["a"], ["b"]]


def test_sets_are_lists_in_order() -> None:
    assert read({"b", "a"}, {"c"}) == [["a", "b"], ["c"]]


def test_numbers_and_truth_values_are_spelled_alike_in_all_files() -> None:
    task = task_of()
    assert read("0.0", "1.0", "2.0", task=task) == ["0", "1", "2"]
    assert read("1", "2.0", task=task, split="test") == ["1", "2"]
    truth = task_of()
    assert read(False, True, task=truth) == ["false", "true"]
    assert read("False", "TRUE", task=truth, split="test") == ["false", "true"]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["{a,b}", "{a}", "{b}", "{}"], [["a", "b"], ["a"], ["b"], []]),
        (["{a,b}", "{}", "{1}"], [["a", "b"], [], ["1"]]),
        (['{"to be, or not",b}', "{b}"], [["to be, or not", "b"], ["b"]]),
        (["<D>a</D><D>b c</D>", "<D>a</D>", "<D> b c </D>"], [["a", "b c"], ["a"], ["b c"]]),
        (["tensor([1, 0, 1])", "tensor([0, 0, 1])"], [["0", "2"], ["2"]]),
        (["甲、乙", "甲", "乙"], [["甲", "乙"], ["甲"], ["乙"]]),
    ],
)
def test_lists_that_are_marked_in_every_cell(cells: list[str], expected: list[list[str]]) -> None:
    task = task_of()
    assert [example["label"] for example in task.prepare(rows(*cells), "train")] == expected
    task.fit(task.prepare(rows(*cells), "train"))
    restored = task_of()
    restored.restore(json.loads(json.dumps(task.state())))
    assert [example["label"] for example in restored.prepare(rows(*cells), "test")] == expected


@pytest.mark.parametrize(
    "cells", [["{user}", "{place}"], ["<b>x</b>", "y"], ["<b>x</b>", "<b>y</b>"], ["{a,b}", "c"], ["<a>x</b>", "y"]]
)
def test_marks_that_not_all_cells_have_or_that_make_no_list_belong_to_the_name(cells: list[str]) -> None:
    assert [example["label"] for example in task_of().prepare(rows(*cells), "train")] == cells

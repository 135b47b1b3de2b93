"""Slices, thresholds, calibration and axes: the right numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score
from tests.core.runs.kit import zoo

from taskzoo.metrics.parts import EMPTY, groups_of, ranges
from taskzoo.report.page import ReportRequest, write_report
from taskzoo.report.slices import Line, Table
from taskzoo.report.thresholds import Confidences
from taskzoo.report.ticks import labelled_ticks, limits, ticks
from taskzoo.report.top import Top

from .kit import Page, plant, write_run
from .test_errors import predictions

Planted = Callable[[str], Path]
ADA = {"start": 0, "end": 3, "label": "PER"}


def test_slices_by_a_column_have_the_right_scores(planted: Planted, tmp_path: Path) -> None:
    run, file = planted("one label"), tmp_path / "page.html"
    rows = predictions(run)
    where = [json.loads(line)["where"] for line in (run / "test.jsonl").read_text().splitlines()]
    assert zoo("report", run, "--by", "where,label", "--output", file).code == 0
    page = Page(file.read_text(encoding="utf-8"))
    table = page.rows("By where")
    assert set(table) == {"where", "north", "south"}
    for place, (count, f1, _, accuracy) in list(table.items())[1:]:
        chosen = [row for row, here in zip(rows, where, strict=True) if here == place]
        sides = [row["reference"]["label"] for row in chosen], [row["label"] for row in chosen]
        assert count == str(len(chosen))
        assert f1.split()[0] == f"{f1_score(*sides, average='macro'):.3f}"
        assert accuracy.split()[0] == f"{accuracy_score(*sides):.3f}"
    assert len(page.rows("By label")) == 4


def test_slices_by_length_are_of_all_rows(page: Callable[[str], Page]) -> None:
    table = page("one label").rows("By length of the input")
    assert sum(int(cells[0].split()[0]) for label, cells in table.items() if label != "words") == 120
    assert any("(few)" in cells[0] for cells in table.values())
    assert page("entities").rows("By length of the input")["words"][1::2] == ["f1", "precision"]


def test_rows_are_found_in_another_file_by_their_text(planted: Planted, tmp_path: Path) -> None:
    run = planted("one label")
    lines = (run / "test.jsonl").read_text().splitlines()[::-1][:100]
    other = tmp_path / "other.jsonl"
    other.write_text("\n".join(lines) + "\n")
    file = write_report(run, ReportRequest(["where"], str(other), tmp_path / "page.html"))
    page = Page(file.read_text(encoding="utf-8"))
    assert sum(int(cells[0].split()[0]) for label, cells in page.rows("By where").items() if label != "where") == 100
    assert "20 of 120 test rows are not in the file with the columns" in page.html


def test_a_score_that_needs_what_is_not_kept_is_not_shown(page: Callable[[str], Page]) -> None:
    # several labels are judged by their average precision, which takes the probability of every label
    assert page("several labels").tables["By length of the input"][0][2::2] == ["f1_micro", "f1_macro"]
    assert page("translation").rows("By length of the input")["words"][1::2] == ["bleu", "chrf"]


def test_columns_that_are_not_there(planted: Planted, tmp_path: Path) -> None:
    done = zoo("report", planted("one label"), "--by", "whither")
    assert (done.code, "no column 'whither'; found" in done.err) == (2, True)
    unknown = write_run(tmp_path / "run", {"test": {"f1": 0.5, "rows": 0}}, [])
    assert "--by needs single rows and the task" in zoo("report", unknown, "--by", "x").err
    done = zoo("report", planted("one label"), "--data", tmp_path / "none.csv")
    assert (done.code, "--data is the file with the columns of --by" in done.err) == (2, True)


def test_thresholds_against_their_definition(planted: Planted, page: Callable[[str], Page]) -> None:
    rows = predictions(planted("one label"))
    kept = [row for row in rows if row["score"] >= 0.8]
    right = sum(row["label"] == row["reference"]["label"] for row in kept)
    table = page("one label").rows("Confidence thresholds")
    assert table["0.8"] == [f"{right / len(kept):.1%}", f"{len(kept) / len(rows):.1%}"]
    # entities with 0.95 (right), 0.9, 0.6, 0.5; five are gold
    assert page("entities").rows("Confidence thresholds")["0.6"] == ["33.3%", "20.0%", "75.0%"]
    assert page("entities").rows("Confidence thresholds")["0.99"] == ["–", "0.0%", "0.0%"]


def test_a_threshold_keeps_what_is_equal_to_it() -> None:
    found = Confidences(gold=4)
    for confidence, right in ((0.5, True), (0.5, False), (0.7, True)):
        found.add(confidence, right=right)
    coverage, precision, recall = found.at(np.array([0.5, 0.51, 0.7, 0.71])).T
    assert coverage.tolist() == pytest.approx([1, 1 / 3, 1 / 3, 0])
    assert precision[:3].tolist() == pytest.approx([2 / 3, 1, 1])
    assert np.isnan(precision[3])
    assert recall.tolist() == [0.5, 0.25, 0.25, 0]


def test_the_curve_of_several_labels_begins_where_all_decisions_are_known(tmp_path: Path) -> None:
    rows = [
        {"text": f"{i}", "labels": ["a"], "scores": {"a": 0.9 - i / 100, "b": 0.4}, "reference": {"labels": ["a"]}}
        for i in range(10)
    ]
    metrics = {"test": {"f1_micro": 1.0, "per_label": {x: {"f1": 1.0, "support": 1} for x in "abc"}, "rows": 10}}
    html = write_report(write_run(tmp_path / "run", metrics, rows)).read_text(encoding="utf-8")
    assert "The curve begins at 0.40" in html
    assert Page(html).rows("Confidence thresholds")["0.9"] == ["100.0%", "10.0%"]


def test_the_reliability_diagram_has_the_bins_of_the_run(planted: Planted, page: Callable[[str], Page]) -> None:
    bins = json.loads((planted("one label") / "metrics.json").read_text())["test"]["calibration"]
    table = page("one label").tables["Calibration"][1:]
    assert [(row[1], row[2], row[3]) for row in table] == [
        (str(one["count"]), f"{one['confidence']:.1%}", f"{one['accuracy']:.1%}") for one in bins
    ]


def test_ranges_have_about_as_many_rows_and_keep_equal_values_together() -> None:
    found = ranges([1] * 50 + list(range(2, 52)))
    assert list(found) == ["1 to 11", "12 to 31", "32 to 51"]
    assert sum(map(len, found.values())) == 100
    assert ranges([3, 3]).keys() == {"3"}


def test_rare_values_are_one_group_and_many_numbers_are_ranges() -> None:
    words = groups_of([f"w{i}" for i in range(30)] + ["often"] * 5 + [None])
    assert next(iter(words)) == "often"
    assert len(words["(11 other values)"]) == 11
    numbers = groups_of([str(i / 2) for i in range(100)] + [None])
    assert next(iter(numbers)) == "0 to 9.5"
    assert sum(map(len, numbers.values())) == 100
    some = groups_of([str(i / 2) for i in range(100)] + [EMPTY] * 3)
    assert list(some) == [*numbers, EMPTY]
    assert some[EMPTY].tolist() == [100, 101, 102]


def test_empty_cells_are_a_group_of_their_own(planted: Planted, tmp_path: Path) -> None:
    run, file = planted("one label"), tmp_path / "rows.jsonl"
    rows = [json.loads(line) for line in (run / "test.jsonl").read_text().splitlines()]
    empty = [None, "", " "]
    given = [{**row, "size": empty[i] if i < 3 else i} for i, row in enumerate(rows)]
    file.write_text("".join(json.dumps(row) + "\n" for row in given))
    page = Page(write_report(run, ReportRequest(["size"], str(file), tmp_path / "page.html")).read_text("utf-8"))
    assert list(page.rows("By size"))[1:] == ["3 to 26", "27 to 49", "50 to 72", "73 to 95", "96 to 119", EMPTY]
    assert page.rows("By size")[EMPTY][0] == "3 (few)"


def test_a_slice_without_anything_to_count_has_a_dash(tmp_path: Path) -> None:
    rows = [{"text": f"Ada {'came ' * (i % 7)}{i}", "spans": [ADA] if i % 7 < 3 else []} for i in range(70)]
    given = [{**row, "tags": ["O"] * len(row["text"].split()), "entities": row["spans"]} for row in rows]
    run = plant(tmp_path / "run", "ner", rows, [{k: v for k, v in row.items() if k != "spans"} for row in given])
    table = Page(write_report(run).read_text(encoding="utf-8")).rows("By length of the input")
    assert table["2"][1] == "1.000 [0.722, 1.000]"
    assert table["7 to 8"][1::2] == ["–", "–"]


def test_a_slice_of_a_single_row_is_drawn_without_an_interval() -> None:
    table = Table("t", "c", ["f1"], [line := Line("x", 1, [(0.5, float("nan"), float("nan"))])])
    assert "nan" not in table.dots(line)
    assert line.shown == ["0.500"]


def test_ticks_are_round_numbers() -> None:
    assert ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1]
    assert ticks(0.42, 0.52) == [0.42, 0.44, 0.46, 0.48, 0.5, 0.52]
    assert ticks(0, 483) == [0, 100, 200, 300, 400]
    assert limits([0.436, 0.519]) == (0.42, 0.52)
    assert limits([0, 1000]) == (0, 1000)
    assert limits([3, float("nan"), 3])[0] < 3 < limits([3])[1]
    assert limits([]) == (0, 1)
    assert [label for _, label in labelled_ticks(0, 1e-4)] == ["0", "2e-5", "4e-5", "6e-5", "8e-5", "1e-4"]
    assert [label for _, label in labelled_ticks(0, 5000)][-1] == "5,000"
    assert [label for _, label in labelled_ticks(0, 1, percent=True)][1] == "20%"


def test_the_top_rows_are_those_with_the_greatest_values_and_the_first_of_equals() -> None:
    top = Top(3)
    for row, value in enumerate([0.5, 0.9, 0.9, 0.1, 0.9, 0.95], 1):
        top.add(value, row)
    assert top.rows() == [6, 2, 3]


def test_no_row_is_in_no_part() -> None:
    days = [str(20230000 + 100 * (1 + i // 28) + 1 + i % 28) for i in range(280)]
    long = ["x" * 60 + str(i % 5) for i in range(50)]
    close = [repr(1 + i * 1e-12) for i in range(100)]
    for values in (days, long, close):
        parts = groups_of(values)
        assert sum(map(len, parts.values())) == len(values)
        assert len(parts) == 5
    assert "x" * 60 + "… (5)" in groups_of(long)
    assert "20,230,101" in next(iter(groups_of(days)))

"""Which rows ``--skip-bad-rows`` leaves out: those refused by themselves, and those refused with others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar, cast

import pytest

from taskzoo import registry
from taskzoo.errors import DataError, RequestError
from taskzoo.runs.bad_rows import usable_rows
from taskzoo.task import Task
from taskzoo.types import Example, Row
from taskzoo_classification.task import ClassificationTask

OPTIONS = {name: option.default for name, option in registry.task("classification").options.items()}


class Counting(ClassificationTask):
    """Counts the rows that it prepares."""

    rows: ClassVar[list[int]] = []

    def prepare(self, rows: Sequence[Row], split: str) -> list[Example]:
        self.rows.append(len(rows))
        return super().prepare(rows, split)


class Few:
    """Refuses any three rows together, and the one on a line of its own at that."""

    def prepare(self, rows: Sequence[Row], split: str) -> list[Example]:
        if len(rows) > 2:
            raise DataError("too many.", file=rows[2].source, line=rows[2].line)
        return []


def rows_of(labels: Sequence[Any], *, line: int | None = None) -> list[Row]:
    return [Row({"text": f"text {i}", "label": label}, "a.jsonl", line or i) for i, label in enumerate(labels, 1)]


def kept(labels: Sequence[Any], *, line: int | None = None) -> tuple[list[Any], list[str]]:
    """The labels that are left, and why the others are not."""
    bad: list[str] = []
    rows = usable_rows(ClassificationTask(dict(OPTIONS)), rows_of(labels, line=line), "train", bad)
    return [row["label"] for row in rows], bad


@pytest.mark.parametrize("labels", [[0, *"abc"], [*"ab", 0, 1, *"ac"], [*"abcd", 0]])
def test_of_two_kinds_that_do_not_go_together_the_rarer_one_is_left_out(labels: list[Any]) -> None:
    left, bad = kept(labels)
    assert left == [label for label in labels if isinstance(label, str)]
    lines = [str(i) for i, label in enumerate(labels, 1) if isinstance(label, int)]
    assert [message.split(":")[1] for message in bad] == lines
    assert re.fullmatch(r"a\.jsonl:\d: the label \d is of the kind number, but 'a' on line \d .*", bad[0])


def test_rows_on_one_line_are_told_apart() -> None:
    left, bad = kept(["a", "b", 3, "c", "a"], line=1)
    assert left == ["a", "b", "c", "a"]
    assert len(bad) == 1


def test_rows_refused_by_themselves_and_together() -> None:
    left, bad = kept(["a", None, "b", "['x' 'y]", 3, "c", "a", "b"])
    assert left == ["a", "b", "c", "a", "b"]
    assert sorted(message.split(":")[1] for message in bad) == ["2", "4", "5"]


def test_the_time_does_not_grow_with_the_square_of_the_rows() -> None:
    Counting.rows.clear()
    bad: list[str] = []
    rows = rows_of([i if i % 20 == 7 else "abc"[i % 3] for i in range(600)])
    usable_rows(Counting(dict(OPTIONS)), rows, "train", bad)
    assert len(bad) == 30
    assert sum(size == len(rows) for size in Counting.rows) < 5
    assert sum(Counting.rows) < 20 * len(rows)


def test_no_more_rows_are_tried_than_may_be_left_out() -> None:
    bad: list[str] = []
    with pytest.raises(
        RequestError, match=r"6 of the 10 train rows cannot be used, too many .* a\.jsonl:3: too many\."
    ):
        usable_rows(cast(Task, Few()), rows_of("a" * 10), "train", bad)
    assert [message.split(":")[1] for message in bad] == ["3", "4", "5", "6", "7", "8"]

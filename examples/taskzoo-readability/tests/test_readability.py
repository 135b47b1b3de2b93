"""The contract by the kit that taskzoo ships, and what is special about this task by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from taskzoo_readability.demo import generate
from taskzoo_readability.metrics import Regression
from taskzoo_readability.task import ReadabilityTask

from taskzoo import DataError, Example, RequestError, Row
from taskzoo.testing import TaskContract


class TestContract(TaskContract):
    task = "readability"


def graded(*grades: object) -> list[Row]:
    return [Row({"text": f"text {number}", "grade": grade}, "f.csv", number) for number, grade in enumerate(grades, 1)]


def examples(*grades: float) -> list[Example]:
    return ReadabilityTask({"max_length": 0}).prepare(graded(*grades), "train")


def test_a_grade_must_be_a_number() -> None:
    task = ReadabilityTask({"max_length": 0})
    assert task.prepare(graded("3.5", 4), "train")[0]["grade"] == 3.5
    for wrong in ("hard", None, float("nan"), True):
        with pytest.raises(DataError, match=r"f\.csv:2: the grade .* is not a number"):
            task.prepare(graded(1, wrong), "train")


def test_equal_grades_are_refused() -> None:
    with pytest.raises(RequestError, match="same grade"):
        ReadabilityTask({"max_length": 0}).fit(examples(2.0, 2.0))


def test_the_target_is_standardised_by_the_training_rows() -> None:
    task = ReadabilityTask({"max_length": 0})
    task.fit(examples(1.0, 3.0))
    assert (task.mean, task.deviation) == (2.0, 1.0)


def test_scores_against_numbers_worked_out_by_hand() -> None:
    predictions = [{"text": "a", "grade": g} for g in (1.0, 2.0, 4.0)]
    references = [{"text": "a", "grade": g} for g in (1.0, 3.0, 5.0)]
    scores = Regression().compute(predictions, references)
    assert scores["mse"] == pytest.approx(2 / 3)
    assert scores["mae"] == pytest.approx(2 / 3)
    assert scores["pearson"] == pytest.approx(6 / (8 * 14 / 3) ** 0.5)


def test_the_demo_set_is_what_its_script_writes(tmp_path: Path) -> None:
    generate.main(tmp_path)
    for split in generate.ROWS:
        shipped = Path(generate.__file__).with_name(f"{split}.jsonl")
        assert shipped.read_bytes() == (tmp_path / f"{split}.jsonl").read_bytes()

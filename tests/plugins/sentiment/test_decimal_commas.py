from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from taskzoo import DataError, Row, registry
from taskzoo.cli import main
from taskzoo_sentiment.decimal_commas import has_decimal_commas, with_point
from taskzoo_sentiment.task import SentimentTask


def rows_of(labels: Sequence[str]) -> list[Row]:
    return [Row({"text": "x", "label": label}, "train.csv", line) for line, label in enumerate(labels, 2)]


def numbers(train: Sequence[str], later: Sequence[str] = (), **options: Any) -> tuple[list[Any], list[Any]]:
    task = SentimentTask(registry.task("sentiment").resolve_options(options))
    first = task.read_labels(rows_of(train))
    twin = SentimentTask(task.options)
    twin.kind, twin.unit, twin.decimal_comma = task.kind, task.unit, task.decimal_comma
    assert twin.read_labels(rows_of(later)) == task.read_labels(rows_of(later))
    return first, task.read_labels(rows_of(later))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("3,5", "3.5"),
        ("-0,25", "-0.25"),
        (",5", ".5"),
        ("12,5 %", "12.5 %"),
        ("4,5 von 5 Sternen", "4.5 von 5 Sternen"),
        ("1,234,567", "1,234,567"),
        ("1.234,5", "1.234,5"),
        ("3,", "3,"),
        ("3, 5", "3, 5"),
        ("good, bad", "good, bad"),
        ("3.5", "3.5"),
    ],
)
def test_a_comma_becomes_a_point(name: str, expected: str) -> None:
    assert with_point(name) == expected


def test_a_column_of_decimal_commas_holds_numbers() -> None:
    assert numbers(["0,5", "1,25", "2", "-3,125"])[0] == [0.5, 1.25, 2.0, -3.125]
    assert numbers(["12,5%", "0,250%", "7%", "8%"])[0] == [12.5, 0.25, 7.0, 8.0]
    stars = ["4,0", "2,0", "1,0", "5,0", "3,0"]
    assert numbers(stars, stars_as="numbers")[0] == [4.0, 2.0, 1.0, 5.0, 3.0]


def test_later_files_are_read_as_the_training_rows_or_by_themselves() -> None:
    train = ["0,5", "1,25", "2", "-3,125"]
    assert numbers(train, ["1,234", "0.5"])[1] == [1.234, 0.5]
    assert numbers(["0.5", "1.25", "2", "3"], ["1,234", "0,5"])[1] == [1.234, 0.5]


def test_what_could_be_thousands_is_refused() -> None:
    said = r"^train\.csv:3: the label '1,234' could be 1\.234 or 1234, and no other label shows which"
    for other in ("7", "0.5", "12,345"):
        with pytest.raises(DataError, match=said):
            has_decimal_commas(rows_of(["1", "1,234", other]), ["1", "1,234", other])
    assert has_decimal_commas(rows_of(["1,234", "0,250"]), ["1,234", "0,250"])
    with pytest.raises(DataError, match=r"train\.csv:4: the label '0,75' has a comma as decimal mark; write 0\.75"):
        numbers(["0.5", "1.5", "0,75", "2.5"])


def test_names_with_commas_stay() -> None:
    assert numbers(["3,5", "good", "3,5", "good"], kind="classes")[0] == ["3,5", "good"] * 2
    assert numbers(["1,5", "2,5"], kind="binary")[0] == ["1,5", "2,5"]


@pytest.mark.parametrize(("name", "mark"), [("a.csv", ";"), ("a.tsv", "\t")])
def test_a_file_of_a_spreadsheet(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tiny_checkpoint: Callable[..., Path],
    name: str,
    mark: str,
) -> None:
    path = tmp_path / name
    lines = [f"Text, Nummer {i}{mark}{i},{i % 4}5" for i in range(20)]
    path.write_text("\n".join([f"text{mark}label", *lines, ""]), encoding="utf-8")
    given = ["--train", str(path), "--validation", "none", "--test", "none", "--model", str(tiny_checkpoint())]
    monkeypatch.setattr("sys.argv", ["zoo", "inspect", "sentiment", *given])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert not stopped.value.code
    assert "intensity, a number from 0.05 to 19.35" in capsys.readouterr().out

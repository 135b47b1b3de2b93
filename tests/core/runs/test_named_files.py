"""From named files to splits: several files, patterns, a folder, other columns for the test file, and bad rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taskzoo import registry
from taskzoo.engine.progress import Silent
from taskzoo.errors import DataError, RequestError
from taskzoo.runs.data import Splits, load_splits
from taskzoo.runs.large import load_large_splits
from taskzoo.runs.request import DataRequest, RunRequest, resolve_request
from taskzoo.runs.wording import left_out_notes

Table = Callable[..., str]


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """Write a table of ten rows that nobody else has, and more lines; its path."""

    def do(name: str, header: str = "text,label", more: str = "", label: bool = True) -> str:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        rows = [
            f"{path.stem} {number}" + (f",{'pos' if number % 2 else 'neg'}" if label else "") for number in range(10)
        ]
        path.write_text("\n".join([header, *rows]) + "\n" + more, encoding="utf-8")
        return str(path)

    return do


def splits(**data: Any) -> Splits:
    """The splits of a request for sentiment, without any model."""
    config = resolve_request(RunRequest("sentiment", "scratch:bert-tiny", DataRequest(**data))).config
    entry = registry.task_entry("sentiment")
    return load_splits(entry.spec, entry.load()(config.options), config.data, seed=0)


def test_several_files_are_one_split(table: Table, tmp_path: Path) -> None:
    one, two = table("one.csv"), table("two.csv")
    table("part-1.csv"), table("part-2.csv")
    found = splits(train=[one, Path(two)], test=str(tmp_path / "part-*.csv"), validation="none")
    assert {split: len(rows) for split, rows in found.examples.items()} == {"train": 20, "validation": 0, "test": 20}
    assert [Path(name).name for name in found.sources["test"]["files"]] == ["part-1.csv", "part-2.csv"]
    assert found.sources["train"]["sha256"] != splits(train=[two, one], test="none").sources["train"]["sha256"]
    assert splits(train=[one], test="none").sources["train"]["source"] == one
    assert len(splits(train=[one, one], test="none", validation="none").examples["train"]) == 10


def test_none_excludes_files(table: Table) -> None:
    with pytest.raises(RequestError, match=r"none excludes .*b\.csv"):
        splits(train=table("a.csv"), test=["none", table("b.csv")])


def test_a_test_file_with_other_columns(table: Table) -> None:
    train, test = table("train.csv"), table("test.csv", "words,gold")
    with pytest.raises(DataError, match="no column"):
        splits(train=train, test=test)
    found = splits(train=train, test=test, test_columns={"text": "words", "label": "gold"})
    assert found.examples["test"][3]["text"] == "test 3"
    with pytest.raises(RequestError, match="`test_columns` says where a test file"):
        splits(train=train, test_columns={"text": "words"})


@pytest.mark.parametrize("test", [None, "none"])
def test_columns_of_a_test_file_that_is_not_there_on_disk_and_in_memory(table: Table, test: str | None) -> None:
    request = DataRequest(train=table("train.csv"), test=test, test_columns={"text": "words"})
    config = resolve_request(RunRequest("sentiment", "scratch:bert-tiny", request)).config
    entry = registry.task_entry("sentiment")
    said = r"`test_columns` says where a test file has its columns, and there is none; use `columns`\."
    with pytest.raises(RequestError, match=said):
        load_large_splits(entry.spec, entry.load()(config.options), config, Silent())
    rows = {"train": [{"text": "a", "label": "pos"}]}
    with pytest.raises(RequestError, match=said):
        load_splits(entry.spec, entry.load()(config.options), config.data, seed=0, memory=rows)


def test_what_a_folder_holds_besides_is_named(table: Table, tmp_path: Path) -> None:
    for name in ("data/train.csv", "data/devel.csv", "data/more.csv"):
        table(name)
    (tmp_path / "data" / "old").mkdir()
    found = splits(name=str(tmp_path / "data"), test="none")
    assert len(found.examples["validation"]) == 10
    assert left_out_notes(found.sources) == ["train: 2 files or folders in data not used (more.csv, old/)"]


def test_bad_rows_are_left_out_and_listed(table: Table) -> None:
    train = table("train.csv", more="well,\na,b,c\n,pos\n")
    with pytest.raises(DataError, match="3 columns here"):
        splits(train=train)
    found = splits(train=train, test="none", validation="none", skip_bad_rows=True)
    assert len(found.examples["train"]) == found.sources["train"]["rows"] == 10
    assert found.sources["train"]["bad_rows"]["count"] == 3
    notes = left_out_notes(found.sources)
    assert notes[0] == "train: 3 rows that cannot be used left out:"
    assert sorted(note.split()[0] for note in notes[1:]) == ["train.csv:12:", "train.csv:13:", "train.csv:14:"]


def test_rows_that_the_task_refuses_are_bad_as_well(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    good = [f'{{"text": "row {number}", "label": "{"pos" if number % 2 else "neg"}"}}' for number in range(10)]
    path.write_text("\n".join([*good[:5], '{"text": "x", "label": {"a": 1}}', *good[5:]]), encoding="utf-8")
    found = splits(train=str(path), test="none", validation="none", skip_bad_rows=True)
    assert len(found.examples["train"]) == 10
    assert found.sources["train"]["bad_rows"]["first"][0].startswith("rows.jsonl:6: the label")


def test_files_of_mostly_bad_rows_are_refused(table: Table) -> None:
    with pytest.raises(RequestError, match=r"11 of the 21 train rows cannot be used.*the first: train\.csv:12"):
        splits(train=table("train.csv", more=",\n" * 11), skip_bad_rows=True)

"""From files that are named by languages to prepared rows: what a run reads, records and refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from taskzoo.config import DataConfig, read_config
from taskzoo.data.readers import LANGUAGES
from taskzoo.errors import DataError, RequestError
from taskzoo.runs.data import file_rows, load_splits, memory_rows, task_languages
from taskzoo.runs.inputs import input_rows
from taskzoo.runs.request import DataRequest, RunRequest, resolve_request
from taskzoo.runs.wording import left_out_notes, overlap_notes, split_note
from taskzoo.spec import Column, Option, TaskSpec
from taskzoo.task import Task
from taskzoo.types import Example, Row

from .kit import digest, zoo

SPEC = TaskSpec(
    id="rhyme",
    contract=2,
    entry_point="nowhere:Rhyme",
    columns={
        "source": Column("a line", required=True, language="from"),
        "target": Column("another", required=True, target=True, language="to"),
    },
    options={"from": Option("", "language of the source"), "to": Option("", "language of the target")},
    formats=("jsonl", "csv", "tsv", "parallel", "tmx"),
)
EN = [f"Number {i} is here." for i in range(40)]
ZH = [f"第{i}号在这里。" for i in range(40)]


class Rhyme(Task):
    """As much of a task as reading and splitting need."""

    multi_reference = True
    languages: Mapping[str, str] = {}

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        super().__init__({"from": "", "to": "", **(options or {})})

    def prepare(self, rows: Sequence[Row], split: str) -> list[Example]:
        return [row.example(**row.fields) for row in rows]

    def dedup_key(self, example: Example) -> tuple[str, str]:
        return example["source"], example["target"]


Rhyme.__abstractmethods__ = frozenset()  # the rest is not called


def write(folder: Path, split: str, slice_: slice = slice(None), direction: str = "") -> None:
    (folder / f"{split}{direction}.en").write_text("\n".join(EN[slice_]) + "\n", encoding="utf-8")
    (folder / f"{split}{direction}.zh").write_text("\n".join(ZH[slice_]) + "\n", encoding="utf-8")


def load(options: dict[str, str] | None = None, memory: Any = None, **data: Any) -> Any:
    return load_splits(SPEC, Rhyme(options), DataConfig(**data), seed=1, memory=memory)


EN_ZH = {"from": "English", "to": "zho_Hans"}


def test_a_folder_of_parallel_files(tmp_path: Path) -> None:
    write(tmp_path, "train", slice(30))
    write(tmp_path, "dev", slice(30, 35), ".en-zh")
    write(tmp_path, "test", slice(35, 40))
    splits = load(EN_ZH, name=str(tmp_path))
    assert {name: len(rows) for name, rows in splits.examples.items()} == {"train": 30, "validation": 5, "test": 5}
    assert splits.examples["test"][0].fields == {"source": EN[35], "target": ZH[35], LANGUAGES: ("en", "zh-Hans")}
    assert load({"from": "zh", "to": "en"}, name=str(tmp_path)).examples["train"][0]["source"] == ZH[0]


def test_the_manifest_has_the_hashes_of_both_files(tmp_path: Path) -> None:
    write(tmp_path, "train")
    one = load(EN_ZH, train=str(tmp_path / "train")).sources["train"]
    names = [str(tmp_path / "train.en"), str(tmp_path / "train.zh")]
    assert one["files"] == {name: digest(Path(name)) for name in names}
    assert one["rows"] == 40
    assert one["sha256"] == load(EN_ZH, train=names[0]).sources["train"]["sha256"]
    (tmp_path / "train.zh").write_text("\n".join(ZH[:39]) + "\n别的\n", encoding="utf-8")
    assert load(EN_ZH, train=names[0]).sources["train"]["sha256"] != one["sha256"]


def test_what_was_left_out_is_noted(tmp_path: Path) -> None:
    (tmp_path / "a.en").write_text("\n".join(["", *EN]), encoding="utf-8")
    (tmp_path / "a.zh").write_text("\n".join(["", *ZH]), encoding="utf-8")
    splits = load(EN_ZH, train=str(tmp_path / "a.en"))
    assert left_out_notes(splits.sources) == ["train: 1 empty lines left out"]
    assert json.loads(json.dumps(splits.sources))["train"]["left_out"] == {"empty lines left out": 1}


def test_a_held_out_number_of_rows(tmp_path: Path) -> None:
    write(tmp_path, "train")
    splits = load(EN_ZH, train=str(tmp_path / "train"), holdout="5,12")
    assert {name: len(rows) for name, rows in splits.examples.items()} == {"train": 23, "validation": 5, "test": 12}
    assert splits.made["holdout"] == "5,12"
    assert split_note(splits.made) == "split random with seed 1; held out: 5 validation, 12 test"
    only_test = load(EN_ZH, train=str(tmp_path / "train"), validation="none", holdout="12")
    assert {name: len(rows) for name, rows in only_test.examples.items()} == {"train": 28, "validation": 0, "test": 12}
    with pytest.raises(RequestError, match="none of the 40 rows"):
        load(EN_ZH, train=str(tmp_path / "train"), holdout="1000")


def test_several_targets_are_not_reported_as_conflicts(tmp_path: Path) -> None:
    lines = ["en\tzh", *(f"{en}\t{zh}" for en, zh in zip(EN, ZH, strict=True)), *(f"{en}\t又{en}" for en in EN)]
    (tmp_path / "train.tsv").write_text("\n".join([*lines, lines[1]]), encoding="utf-8")
    splits = load(train=str(tmp_path / "train.tsv"))
    assert splits.examples["train"][0][LANGUAGES] == ("en", "zh")
    assert splits.made["method"] == "random"
    notes = overlap_notes(splits.overlap)
    assert len(notes) <= 1
    assert not any("different targets" in note for note in notes)
    inputs = [{row["source"] for row in rows} for rows in splits.examples.values()]
    assert not inputs[0] & inputs[1]
    assert not inputs[0] & inputs[2]


@pytest.mark.parametrize(
    "row", [{"source": "Hi", "target": "嗨"}, {"en": "Hi", "zh": "嗨"}, {"translation": {"zh": "嗨", "en": "Hi"}}]
)
def test_rows_in_memory(row: dict[str, Any]) -> None:
    expected = {"source": "Hi", "target": "嗨", LANGUAGES: ("en", "zh-Hans")}
    assert memory_rows(SPEC, Rhyme(EN_ZH), [row])[0].fields == expected
    assert memory_rows(SPEC, Rhyme(EN_ZH), [{**row, "fr": "x"}])[0].fields == expected


def test_rows_in_memory_keep_the_languages_that_they_were_read_with() -> None:
    row = {"source": "Hi", "target": "嗨", LANGUAGES: ("en", "zh")}
    (made,) = memory_rows(SPEC, Rhyme(), [row])
    assert dict(made.fields) == row
    (again,) = memory_rows(SPEC, Rhyme(), [json.loads(json.dumps(row))])
    assert dict(again.fields) == row


def test_languages_are_those_that_the_task_knows_or_its_options_say() -> None:
    task = Rhyme({"from": "en"})
    assert task_languages(SPEC, task) == {"source": "en", "target": ""}
    task.languages = {"source": "de", "target": "zh"}
    assert task_languages(SPEC, task) == {"source": "de", "target": "zh"}


def test_to_predict_the_source_is_enough(tmp_path: Path) -> None:
    (tmp_path / "new.en").write_text("Hi\n", encoding="utf-8")
    rows = file_rows(SPEC, Rhyme(EN_ZH), tmp_path / "new.en", labelled=False)
    assert [dict(row.fields) for row in rows] == [{"source": "Hi", LANGUAGES: ("en", "zh-Hans")}]
    assert input_rows(SPEC, Rhyme(EN_ZH), "Hi")[0].fields == rows[0].fields
    with pytest.raises(DataError, match=r"new\.zh, is not here"):
        file_rows(SPEC, Rhyme(EN_ZH), tmp_path / "new.en")


def test_the_size_of_what_is_held_out_stays_in_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("task: ner\ndata:\n  name: demo\n  holdout: 100\n", encoding="utf-8")

    def holdout(task: str | None = None, **data: Any) -> str:
        request = RunRequest(task, "scratch:bert-tiny", DataRequest(**data), config=None if task else file)
        return resolve_request(request).config.data.holdout

    assert read_config(file)["data"]["holdout"] == 100
    assert holdout() == "100"
    assert holdout(holdout="0.2") == "0.2"
    assert holdout("ner", holdout=50, train="x.conll") == "50"
    with pytest.raises(RequestError, match="500,1000"):
        holdout("ner", holdout="many")


def test_the_command_line_holds_out_what_it_is_told(model: Path, data: Path) -> None:
    result = zoo("inspect", "ner", "--model", model, "--train", data / "train.conll", "--holdout", "7,9", "--json")
    assert result.code == 0, result.err
    assert {name: split["rows"] for name, split in result.json["splits"].items()} == {
        "train": 45,
        "validation": 7,
        "test": 9,
    }
    result = zoo("inspect", "ner", "--data", data, "--holdout", "7")
    assert result.code == 2
    assert "nothing to split off" in result.err

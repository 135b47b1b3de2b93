"""Every form in which rows are given from Python gives the rows that a file would."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from taskzoo.config import DataConfig
from taskzoo.data.readers.values import plain
from taskzoo.errors import RequestError, UnknownNameError
from taskzoo.runs.data import Splits, load_splits, memory_rows
from taskzoo.runs.inputs import input_rows
from taskzoo.spec import Column, TaskSpec
from taskzoo.task import Task
from taskzoo.types import Example, Row

SPEC = TaskSpec(
    id="mood",
    contract=2,
    columns={
        "text": Column("the text", required=True, names=("review",)),
        "place": Column("where it was said"),
        "label": Column("its mood", required=True, target=True, names=("mood",)),
    },
)
ROWS = [{"text": "good", "label": "up"}, {"text": "bad", "label": "down"}]
EXTRA = [{"id": 7, **row, "note": None} for row in ROWS]
ASK = TaskSpec(
    id="ask",
    contract=2,
    columns={
        "question": Column("what is asked", required=True),
        "context": Column("where the answer is", required=True),
        "answer": Column("the answer", target=True),
    },
)


class Mood(Task):
    """As much of a task as reading and splitting need."""

    def prepare(self, rows: Sequence[Row], split: str) -> list[Example]:
        return [row.example(**row.fields) for row in rows]

    def dedup_key(self, example: Example) -> tuple[str, str]:
        return example["text"], str(example.get("label"))

    def group(self, example: Example) -> str | None:
        found: str | None = example.get("place")
        return found


Mood.__abstractmethods__ = frozenset()  # the rest is not called
TASK = Mood({})


def read(values: Any, spec: TaskSpec = SPEC, **settings: Any) -> list[Mapping[str, Any]]:
    return [row.fields for row in memory_rows(spec, TASK, values, **settings)]


FORMS: dict[str, Callable[[], Any]] = {
    "mappings": lambda: EXTRA,
    "generator": lambda: iter(EXTRA),
    "tuple of mappings": lambda: tuple(EXTRA),
    "pair": lambda: ([row["text"] for row in ROWS], [row["label"] for row in ROWS]),
    "pair of arrays": lambda: (np.array(["good", "bad"]), pd.Series(["up", "down"])),
    "pair with mappings": lambda: ([{"text": "good"}, {"text": "bad"}], ["up", "down"]),
    "pair with a data frame": lambda: (pd.DataFrame({"text": ["good", "bad"]}), pd.Series(["up", "down"])),
    "pair of data frames": lambda: (pd.DataFrame(EXTRA)[["text"]], pd.DataFrame(EXTRA)[["label"]]),
    "pair of arrow arrays": lambda: (pa.array(["good", "bad"]), pa.array(["up", "down"])),
    "zipped": lambda: zip(["good", "bad"], ["up", "down"], strict=True),
    "tuples with columns": lambda: [("good", {"mood": "up"}), ("bad", {"mood": "down"})],
    "columns": lambda: {"text": ["good", "bad"], "label": ["up", "down"], "id": [1, 2]},
    "columns of arrays": lambda: {"text": np.array(["good", "bad"]), "label": np.array(["up", "down"])},
    "data frame": lambda: pd.DataFrame(EXTRA),
    "data frame with an index": lambda: pd.DataFrame(EXTRA, index=[30, 10]),
    "arrow table": lambda: pa.Table.from_pylist(EXTRA),
    "data set": lambda: datasets.Dataset.from_list(EXTRA),
    "streamed data set": lambda: datasets.Dataset.from_list(EXTRA).to_iterable_dataset(),
    "class labels": lambda: datasets.Dataset.from_dict(
        {"text": ["good", "bad"], "label": [1, 0]},
        features=datasets.Features(text=datasets.Value("string"), label=datasets.ClassLabel(names=["down", "up"])),
    ),
    "a data set with a format": lambda: datasets.Dataset.from_list(ROWS).with_format("pandas"),
    "synonyms": lambda: [{"Review": "good", "MOOD ": "up"}, {"Review": "bad", "MOOD ": "down"}],
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_forms(form: Callable[[], Any]) -> None:
    assert read(form()) == ROWS


def test_polars() -> None:
    polars = pytest.importorskip("polars")
    assert read(polars.DataFrame(EXTRA)) == ROWS


def test_columns_are_mapped_as_those_of_a_file() -> None:
    values = [{"body": "good", "text": "title", "stars": 5}]
    assert read(values, columns={"text": "body", "label": "stars"}) == [{"text": "good", "label": 5}]
    with pytest.raises(
        RequestError,
        match=r"data:1: no column for label; found 'body', 'text', 'stars'.*columns=\{\"label\": \"NAME\"\}",
    ):
        read(values, columns={"text": "body"})
    with pytest.raises(UnknownNameError, match="'lable'"):
        read(values, columns={"lable": "stars"})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (5, "data: this is of type int; give"),
        ("train.csv", "data: this is of type str; give"),
        (np.float64(1.5), "this is of type float64; give"),
        ([["good", "up"]], "data: item 1 is of type list; give"),
        ([ROWS[0], None], "data: item 2 is of type NoneType; give"),
        (pd.Series(["good"]), "item 1 is of type str; give"),
        (np.array([1, 2]), "item 1 is of type int64; give"),
        ((["good"], ["up", "down"]), "1 inputs but 2 targets"),
        ({"text": "good", "label": "up"}, "a list of values for each column, and 'text' is not one"),
        ({"text": ["good"], "label": []}, "columns differ in length: text 1, label 0"),
        (
            datasets.DatasetDict({"train": datasets.Dataset.from_list(ROWS)}),
            r"holds the splits train; .*data\['train'\]",
        ),
        ([{"text": " ", "label": "up"}], "data:1: the text is empty"),
        (pd.DataFrame([["a", "b", "c"]], columns=["text", "label", "label"]), "two columns .* are named 'label'"),
        (
            datasets.Dataset.from_dict(
                {"text": ["a", "b"], "label": [-1, 0]},
                features=datasets.Features(text=datasets.Value("string"), label=datasets.ClassLabel(names=["down"])),
            ),
            "data:1: the label is empty",
        ),
    ],
)
def test_anything_else_is_refused_in_a_sentence(values: Any, message: str) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        read(values)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


SCALARS = st.one_of(st.integers(-9, 9), st.booleans(), st.text(max_size=3), st.floats(-1, 1, width=32), st.none())


@given(st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner)))
def test_plain_values_stay(value: Any) -> None:
    assert plain(value) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.float32(0.5), 0.5),
        (np.array([[1, 2]]), [[1, 2]]),
        (torch.tensor(3), 3),
        (torch.tensor([1.5]), [1.5]),
        ([np.int64(1), {"a": np.array([2.0])}], [1, {"a": [2.0]}]),
        (float("nan"), None),
        (pd.NA, None),
        (pd.NaT, None),
        (np.float64("nan"), None),
    ],
)
def test_numbers_and_arrays_become_plain(value: Any, expected: Any) -> None:
    found = plain(value)
    assert found == expected
    assert json.dumps(found) == json.dumps(expected)
    assert type(found) is type(expected)


def test_a_missing_value_of_a_data_frame_is_left_out() -> None:
    frame = pd.DataFrame({"text": ["good", "bad"], "place": [None, "home"], "label": [1.0, 2.0]})
    assert read(frame) == [{"text": "good", "label": 1.0}, {"text": "bad", "place": "home", "label": 2.0}]


def test_a_pair_fills_the_first_input_and_the_first_target() -> None:
    inputs = [{"question": "who", "context": "me"}]
    assert read((inputs, ["I"]), ASK) == [{"question": "who", "context": "me", "answer": "I"}]
    with pytest.raises(RequestError, match="no column for context"):
        read((["who"], ["I"]), ASK)


def test_inputs_to_predict() -> None:
    def inputs(given: Any, spec: TaskSpec = SPEC) -> list[Mapping[str, Any]]:
        return [row.fields for row in input_rows(spec, TASK, given)]

    assert inputs("good") == [{"text": "good"}]
    assert inputs(["good", {"text": "bad", "id": 1}]) == [{"text": "good"}, {"text": "bad"}]
    assert inputs({"text": "good", "label": "up"}) == [{"text": "good"}]
    assert inputs(iter(["a", "b"])) == [{"text": "a"}, {"text": "b"}]
    assert inputs([]) == []
    assert inputs({"question": "who", "context": "me"}, ASK) == [{"question": "who", "context": "me"}]
    with pytest.raises(RequestError, match="no column for context; found 'question'"):
        inputs("who", ASK)
    with pytest.raises(RequestError, match="item 2 is of type int"):
        inputs(["good", 5])
    with pytest.raises(
        RequestError, match="The input is of type int; give a text, a mapping with the keys text, place"
    ):
        inputs(5)
    assert inputs(["good", " "]) == [{"text": "good"}, {"text": " "}]


def load(memory: Mapping[str, Any], **data: Any) -> Splits:
    return load_splits(SPEC, TASK, DataConfig(**data), seed=1, memory=memory)


def test_a_data_set_with_its_splits_is_taken_apart() -> None:
    part = datasets.Dataset.from_list(EXTRA)
    whole = datasets.DatasetDict({"train": part, "dev": part.select([0]), "test": part.select([1])})
    splits = load({"train": whole})
    assert {name: len(found) for name, found in splits.examples.items()} == {"train": 2, "validation": 1, "test": 1}
    assert splits.sources["train"] == {"source": "memory", "rows": 2, "fields": ROWS}
    with pytest.raises(RequestError, match="none of the splits other is for training"):
        load({"train": datasets.DatasetDict({"other": part})})


def test_groups_that_the_task_knows_stay_together() -> None:
    rows = [
        {"text": f"{place} {i}", "label": "ab"[i % 2], "place": place}
        for place in map(str, range(40))
        for i in range(3)
    ]
    splits = load({"train": rows})
    assert splits.made["grouped"]
    held = [{example["place"] for example in part} for part in splits.examples.values()]
    assert sum(map(len, held)) == len(set().union(*held)) == 40
    mixed = [*rows, *({"text": f"alone {i}", "label": "a"} for i in range(40))]
    parts = load({"train": mixed}).examples.values()
    held = [{example["place"] for example in part if "place" in example.fields} for part in parts]
    assert sum(map(len, held)) == 40
    assert sum(map(len, parts)) == 160


def test_group_by_goes_before_the_groups_of_the_task() -> None:
    rows = [{"text": f"t{i}", "label": "ab"[i % 2], "place": str(i), "doc": f"d{i // 3}"} for i in range(90)]
    splits = load({"train": rows}, group_by="doc")
    held = [{int(example["place"]) // 3 for example in part} for part in splits.examples.values()]
    assert sum(map(len, held)) == 30


def test_groups_without_effect_are_said() -> None:
    rows = [{"text": f"t{i}", "label": "ab"[i % 2], "doc": f"d{i // 3}"} for i in range(9)]
    said = {"groups of `group_by` without effect, as no rows are split off": 3}
    splits = load({"train": rows, "test": rows[:2]}, group_by="doc", validation="none")
    assert splits.sources["train"]["noticed"] == said
    assert "noticed" not in load({"train": rows, "test": rows[:2]}, group_by="doc").sources["train"]
    assert "noticed" not in load({"train": rows, "test": rows[:2]}, validation="none").sources["train"]
    folds = load({"train": rows}, group_by="doc", validation="none", fold="1/2")
    assert "noticed" not in folds.sources["train"]


def test_unlabelled_texts(tmp_path: Path) -> None:
    rows = [{"text": f"text {i}", "label": "ab"[i % 2]} for i in range(40)]
    given = {"train": rows, "unlabelled": ["new", {"text": "newer"}, "text 1"]}
    splits = load(given)
    assert [example["text"] for example in splits.unlabelled] == ["new", "newer"]
    file = tmp_path / "new.txt"
    file.write_text("new\nnewer\n", encoding="utf-8")
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    data = DataConfig(train=str(tmp_path / "train.jsonl"), unlabelled=str(file), columns={"label": "label"})
    splits = load_splits(SPEC, TASK, data, seed=1)
    assert [dict(example.fields) for example in splits.unlabelled] == [{"text": "new"}, {"text": "newer"}]
    assert splits.sources["unlabelled"]["rows"] == 2

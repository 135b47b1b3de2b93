"""Labels that have a column of 0 and 1 each."""

from __future__ import annotations

from typing import Any

import pytest

from taskzoo.data.columns import Columns, ReadRequest
from taskzoo.data.label_columns import flag, label_columns
from taskzoo.data.readers import read_rows
from taskzoo.errors import DataError
from taskzoo.spec import Column, TaskSpec

from .conftest import Write

SPEC = TaskSpec(
    id="toxic",
    contract=2,
    columns={"text": Column("a text", required=True), "label": Column("its labels", required=True, target=True)},
    formats=("csv", "tsv", "jsonl", "parquet"),
)
TABLE = "id,text,toxic,obscene,threat\n1,one,0,1,1\n2,two,0,0,0\n3,three,1,0,0\n"


def labels(path: Any, columns: Any) -> list[Any]:
    return [row["label"] for row in read_rows(path, ReadRequest(SPEC, columns={"label": columns}))]


@pytest.mark.parametrize(
    "columns",
    ["toxic+obscene+threat", "toxic..threat", "toxic + obscene..threat", "2..4", ["toxic", "obscene", "threat"]],
)
def test_they_are_named_one_by_one_or_by_a_range(write: Write, columns: Any) -> None:
    assert labels(write("a.csv", TABLE), columns) == [["obscene", "threat"], [], ["toxic"]]


def test_objects_have_them_too(write: Write) -> None:
    lines = '{"text": "one", "toxic": true, "obscene": 0}\n{"text": "two", "toxic": 0.0, "obscene": 1.0}\n'
    assert labels(write("a.jsonl", lines), "toxic+obscene") == [["toxic"], ["obscene"]]
    columns = Columns(ReadRequest(SPEC, columns={"label": ["toxic", "obscene"]}), "memory")
    rows = columns.rows([(1, {"text": "one", "toxic": 1, "obscene": None}), (2, {"text": "two", "toxic": 0})])
    assert [row["label"] for row in rows] == [["toxic"], []]


def test_a_column_with_such_a_name_is_one_column(write: Write) -> None:
    assert labels(write("a.csv", "text,a+b\none,x\ntwo,y\n"), "a+b") == ["x", "y"]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("toxic+thraet", "no column 'thraet' for label; .*nearest: 'threat'"),
        ("threat..toxic", "'toxic' stands before 'threat'; swap them"),
        ("toxic+2..9", "label=9 is outside the file's 5 columns"),
        ("id+toxic", r"a.csv:3: the column 'id' is a label and holds '2'; write 0 or 1"),
    ],
)
def test_what_cannot_be_read(write: Write, columns: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        labels(write("a.csv", TABLE), columns)


def test_the_message_for_a_missing_label_names_this_way(write: Write) -> None:
    said = r"no column for label; found .*--columns label=NAME.*with --columns label=FIRST\.\.LAST"
    with pytest.raises(DataError, match=said):
        read_rows(write("a.csv", TABLE), ReadRequest(SPEC))


def test_inputs_are_not_spread(write: Write) -> None:
    with pytest.raises(DataError, match=r"no column 'toxic\+threat' for text"):
        read_rows(write("a.csv", TABLE), ReadRequest(SPEC, columns={"text": "toxic+threat", "label": "id"}))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        *[(value, True) for value in (1, "1.0", " Yes ", "x", True)],
        *[(value, False) for value in (0, "", None, "False", 0.0)],
        *[(value, None) for value in (-1, "-1", 2, "maybe", 0.4, [1])],
    ],
)
def test_yes_no_or_neither(value: Any, said: bool | None) -> None:
    assert flag(value) is said


def test_names_and_ranges() -> None:
    assert label_columns("a") == []
    assert label_columns("a+b..d") == [("a", "a"), ("b", "d")]
    assert label_columns("a+") == []

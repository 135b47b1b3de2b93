from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskzoo.data.readers.values import mixed_types

from .conftest import Write
from .kit import pairs, refused, sentences, texts

GOOD = '{"text": "well", "label": "pos"}'


def test_json_lines_and_arrays(write: Write) -> None:
    lines = texts(write("a.jsonl", f"{GOOD}\n\n{GOOD}\r\n"))
    assert pairs(lines) == [("well", "pos")] * 2
    assert [row.line for row in lines] == [1, 3]
    array = texts(write("a.json", f"[\n{GOOD},\n\n  {GOOD}\n]\n"))
    assert pairs(array) == [("well", "pos")] * 2
    assert [row.line for row in array] == [2, 4]


@pytest.mark.parametrize("name", ["a.json", "a.txt", "a.jsonl", "a"])
def test_content_tells_lines_from_array(write: Write, name: str) -> None:
    assert len(texts(write(name, f"{GOOD}\n{GOOD}\n"))) == 2
    assert len(texts(write(name, f"\ufeff [{GOOD}]"))) == 1


def test_a_line_separator_inside_a_string_ends_no_line(write: Write) -> None:
    rows = texts(write("a.jsonl", '{"text": "one\u2028two\x85", "label": "pos"}\n'))
    assert rows[0]["text"] == "one\u2028two\x85"


def test_values_keep_their_types(write: Write) -> None:
    rows = texts(write("a.jsonl", '{"text": ["a", "b"], "label": 1}\n{"text": "c", "label": []}\n'))
    assert pairs(rows) == [(["a", "b"], 1), ("c", [])]


@pytest.mark.parametrize(
    ("bad", "part"),
    [
        ('{"text": "well" "label": 1}', "column 17"),
        ('{"text": "well", "label": "po', "broken JSON"),
        ('["well", "pos"]', "list instead of an object"),
        ('["well", "pos"] 1', "something stands after the value ('1')"),
        ('"well"', "str instead of an object"),
        ('{"text": "well", "text": "no", "label": 1}', "'text' occurs twice"),
        ('{"text": "well", "label": NaN}', "NaN"),
        ('{"text": "well", "label": -Infinity}', "-Infinity"),
        ('{"text": "well\\ud83d", "label": 1}', "lone surrogate"),
        ("[" * 100_000, "cannot be used"),
    ],
)
def test_broken_lines(write: Write, bad: str, part: str) -> None:
    refused(write("a.jsonl", f"{GOOD}\n\n{bad}\n{GOOD}\n"), part, line=3)


@pytest.mark.parametrize(
    ("content", "line", "part"),
    [
        (f"[\n{GOOD}\n{GOOD}]", 3, "comma"),
        (f"[\n{GOOD},\n]", 3, "a comma stands before the end of the array"),
        (f"[\n{GOOD},\n", 3, "broken JSON"),
        (f"[\n{GOOD}\n", 3, "breaks off"),
        (f"[\n{GOOD},\n7]", 3, "int instead of an object"),
        (f'[\n{GOOD},\n{{"text": 1, "text": 2}}]', 3, "occurs twice"),
        (f'[\n{GOOD},\n{{"text": \n!}}]', 4, "column 1"),
        (f"[\n{GOOD}\n]\n{GOOD}", 3, "after the array"),
    ],
)
def test_broken_arrays(write: Write, content: str, line: int, part: str) -> None:
    refused(write("a.json", content), part, line=line)


PRETTY = '{\n "text": "well",\n "label": "pos"\n}\n'


def test_objects_over_several_lines(write: Write) -> None:
    rows = texts(write("a.jsonl", f"{PRETTY}\n{PRETTY}{GOOD}\n"))
    assert pairs(rows) == [("well", "pos")] * 3
    assert [row.line for row in rows] == [1, 6, 10]
    assert pairs(texts(write("b.json", PRETTY))) == [("well", "pos")]
    refused(write("c.jsonl", f"{PRETTY},\n{PRETTY}"), "a comma stands between objects", line=5)
    refused(write("d.jsonl", f'{PRETTY}{{\n "text": \n}}'), "broken JSON at column 1", line=7)


TWO = [("a", "x"), ("b", "y")]
ROWS = '{"text": "a", "label": "x"}, {"text": "b", "label": "y"}'


@pytest.mark.parametrize(
    "content",
    [
        f'{{"data": [{ROWS}]}}',
        f'{{"version": 1, "train": [{ROWS}]}}',
        f'{{"result": {{"rows": [{ROWS}]}}}}',
        '{"text": ["a", "b"], "label": ["x", "y"]}',
        '{"data": {"text": ["a", "b"], "label": ["x", "y"]}}',
        '{"text": {"0": "a", "1": "b"}, "label": {"0": "x", "1": "y"}}',
        '{"17": {"text": "a", "label": "x"}, "18": {"text": "b", "label": "y"}}',
        '{"columns": ["text", "label"], "index": [0, 1], "data": [["a", "x"], ["b", "y"]]}',
        f'{{"schema": {{"fields": []}}, "data": [{ROWS}]}}',
    ],
)
def test_rows_inside_one_object(write: Write, content: str) -> None:
    assert pairs(texts(write("a.json", content))) == TWO
    assert pairs(texts(write("b.json", json.dumps(json.loads(content), indent=1)))) == TWO


def test_an_array_on_each_line(write: Write) -> None:
    refused(write("a.jsonl", '["well", "pos"]\n["no", "neg"]\n'), "list instead of an object", line=1)
    bad: list[str] = []
    assert pairs(texts(write("b.jsonl", f'["well", "pos"]\n{GOOD}\n'), bad=bad)) == [("well", "pos")]
    assert bad == ['b.jsonl:1: a JSON list instead of an object; a row is one object such as {"text": ...}.']


def test_rows_as_the_server_of_the_hub_sends_them(write: Write) -> None:
    rows = [{"row_idx": i, "row": json.loads(GOOD), "truncated_cells": []} for i in range(2)]
    sent = {"features": [{"feature_idx": 0, "name": "text"}], "rows": rows, "num_rows_total": 2}
    assert pairs(texts(write("a.json", json.dumps(sent)))) == [("well", "pos")] * 2
    assert [row.line for row in texts(write("b.json", json.dumps(sent, indent=1)))] == [9, 17]


def test_rows_inside_an_object_have_their_lines(write: Write) -> None:
    path = write("a.json", f'{{"version": "1",\n"data": [\n{GOOD},\n\n{GOOD}]}}')
    assert [row.line for row in texts(path)] == [3, 5]


@pytest.mark.parametrize("inside", ['[{"text": "no", "label": "z"}]', "[[1], 2]", f"[{GOOD}]"])
def test_rows_are_those_of_the_object_and_not_of_one_inside(write: Write, inside: str) -> None:
    rows = texts(write("a.json", f'{{"meta": {{"data": {inside}}},\n"data": [\n{GOOD},\n{GOOD}]}}'))
    assert pairs(rows) == [("well", "pos")] * 2
    assert [row.line for row in rows] == [3, 4]


def test_several_lists_of_rows_are_not_guessed(write: Write) -> None:
    several = write("a.json", f'{{"train": [{ROWS}], "test": [{ROWS}]}}')
    refused(several, "the splits train, test", "jq .train FILE", line=1)
    refused(write("b.json", f'{{"old": [{ROWS}], "new": [{ROWS}]}}'), "several lists of rows, old, new", line=1)


def test_a_row_of_lists_stays_a_row(write: Write) -> None:
    one = '{"tokens": ["Ada", "left"], "tags": ["B-PER", "O"]}'
    assert sentences(write("a.json", one))[0]["tokens"] == ["Ada", "left"]
    many = '{"tokens": [["Ada", "left"], ["Bo"]], "tags": [["B-PER", "O"], ["B-PER"]]}'
    assert [row["tokens"] for row in sentences(write("b.json", many))] == [["Ada", "left"], ["Bo"]]


def test_python_dictionaries_are_named(write: Write) -> None:
    refused(write("a.jsonl", "{'text': 'a', 'label': 'x'}\n"), "a Python dictionary", "json.dumps", line=1)


def test_bad_lines_are_left_out_where_that_is_asked(write: Write) -> None:
    path = write("a.jsonl", f'{GOOD}\n{{"text": \n{{"text": "x"}}\n{{"text": "", "label": "y"}}\n{GOOD}\n')
    bad: list[str] = []
    assert [row.line for row in texts(path, bad=bad)] == [1, 5]
    assert [message.split(" ")[0] for message in bad] == ["a.jsonl:2:", "a.jsonl:3:", "a.jsonl:4:"]


def test_an_array_that_is_empty(write: Write) -> None:
    refused(write("a.json", "[]"), "no rows")


def test_either_name_of_json_reads_both_layouts(write: Write) -> None:
    assert pairs(texts(write("a.jsonl", GOOD), format="json")) == [("well", "pos")]
    assert pairs(texts(write("b.json", f"[{GOOD}]"), format="jsonl")) == [("well", "pos")]


def test_a_key_missing_everywhere_or_here(write: Write) -> None:
    refused(write("a.jsonl", '{"body": "well", "label": 1}\n'), "no column for text", "'body', 'label'", line=1)
    refused(write("b.jsonl", f'{GOOD}\n{{"text": "no"}}\n'), "no 'label' here", line=2)
    refused(write("c.jsonl", '{"a": 1}\n'), "text, label", line=1, required=frozenset())


@pytest.mark.parametrize("value", ["null", '""', '" \\n"'])
def test_empty_values(write: Write, value: str) -> None:
    content = f'{GOOD}\n{{"text": {value}, "label": "neg"}}\n'
    refused(write("a.jsonl", content), "text is empty", line=2)
    rows = texts(write("b.jsonl", content), required=frozenset({"label"}))
    assert dict(rows[1].fields) == {"label": "neg"}


def test_false_and_zero_are_values(write: Write) -> None:
    assert pairs(texts(write("a.jsonl", '{"text": "a", "label": 0}\n{"text": "b", "label": false}\n'))) == [
        ("a", 0),
        ("b", False),
    ]


def test_columns_by_name_and_by_dots(write: Write) -> None:
    path = write("a.jsonl", '{"data": {"en": "well", "n": {"x": 3}}, "a.b": 1}\n{"data": {"de": "gut"}, "a.b": 2}\n')
    one = frozenset({"label"})
    assert [r["label"] for r in texts(path, required=one, columns={"label": "a.b", "text": "data.en"})] == [1, 2]
    refused(path, "no 'data.en' here", line=2, columns={"label": "a.b", "text": "data.en"})
    assert texts(path, required=one, columns={"label": "a.b", "text": "data.n.x"})[0]["text"] == 3
    refused(path, "no column '0' for text", line=1, columns={"text": "0"})


def test_mixed_types() -> None:
    assert mixed_types(["a", "b"]) == {}
    assert mixed_types([]) == {}
    assert mixed_types([1, 2.5]) == {}
    assert mixed_types(["a", "b", 1]) == {"text": 0, "number": 2}
    assert mixed_types([1, True, None]) == {"number": 0, "truth value": 1, "null": 2}
    assert mixed_types([[1], (2,), {}]) == {"list": 0, "object": 2}


_VALUE = st.recursive(
    st.integers() | st.booleans() | st.text(st.characters(exclude_categories=["Cs"])).map(lambda t: f"x{t}"),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(_VALUE, _VALUE), min_size=1, max_size=5), st.booleans(), st.sampled_from([None, 2]))
def test_whatever_is_written_is_read(
    tmp_path: Path, written: list[tuple[Any, Any]], escaped: bool, indent: int | None
) -> None:
    objects = [{"text": a, "label": b} for a, b in written]
    lines, array = tmp_path / "a.jsonl", tmp_path / "a.json"
    lines.write_bytes("\n".join(json.dumps(o, ensure_ascii=escaped) for o in objects).encode())
    array.write_bytes(json.dumps(objects, ensure_ascii=escaped, indent=indent).encode())
    assert pairs(texts(lines)) == pairs(texts(array)) == written

"""Files read row by row: the same rows as in memory, or an error where the beginning does not tell how to read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from taskzoo.data.readers import ReadRequest, read_rows
from taskzoo.data.streams import text_lines, text_sources
from taskzoo.data.streams.open_source import open_source
from taskzoo.data.streams.records import BadRecord

from .conftest import Write
from .kit import TABLE, TEXT, make_spec

PAIRS = {**TEXT, "text_pair": "another text"}
PLAIN = "".join(f"text, number {i}\tpos\n" for i in range(9))
IN_QUOTES = "".join(f'"text, number {i}"\tpos\n' for i in range(9))
CSV = "".join(f'"text, number {i}",pos\n' for i in range(9))
HEAD_TSV, HEAD_CSV = "text\tlabel\n", "text,label\n"


@pytest.fixture(autouse=True)
def _short_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_lines, "HEAD", 128)
    monkeypatch.setattr(text_sources, "_HEAD_ROWS", 4)


def streamed(path: Path) -> tuple[list[Any], list[BadRecord]]:
    """Text and label of each row, and what cannot be used."""
    source = open_source(path, ReadRequest(make_spec(PAIRS, TABLE, {"text", "label"})), tolerant=False)
    items = source.take(1000)
    source.close()
    bad = [item for item in items if isinstance(item, BadRecord)]
    return [dict(item.row.fields) for item in items if not isinstance(item, BadRecord)], bad


def in_memory(path: Path) -> list[Any]:
    return [dict(row.fields) for row in read_rows(path, ReadRequest(make_spec(PAIRS, TABLE, {"text", "label"})))]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv", HEAD_TSV + PLAIN + '"a ""b"" c"\tneg\n'),
        ("a.tsv", HEAD_TSV + IN_QUOTES + '5" wide\tneg\n'),
        ("a.tsv", HEAD_TSV + IN_QUOTES.replace(",", ";") + "so, so\tneg\n"),
        ("a.csv", HEAD_CSV + CSV + '"good", "neg"\n'),
    ],
)
def test_quotes_that_mean_something_else_than_at_the_beginning_are_refused(
    write: Write, name: str, content: str
) -> None:
    path = write(name, content)
    rows, bad = streamed(path)
    assert (len(rows), [one.line for one in bad]) == (9, [11])
    assert len(in_memory(path)) == 10
    assert bad[0].reason.startswith("quotation marks have another meaning here than at the beginning of the file")
    assert "--set on_disk=false" in bad[0].reason


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv", HEAD_TSV + PLAIN + '"a title"\tneg\n"a ""b"" c"\tneg\n'),
        ("a.tsv", HEAD_TSV + PLAIN + 'the "a"\tneg\n"a ""b"" c"\tneg\n'),
        ("a.tsv", HEAD_TSV + PLAIN + '"one, two"\tneg\n'),
        ("a.tsv", HEAD_TSV + IN_QUOTES.replace(",", ";") + '"so ""so"""\tneg\n'),
        ("a.csv", HEAD_CSV + CSV + '" ""good""",neg\n"so, "" so",neg\n'),
        ("a.csv", HEAD_CSV + CSV.replace("pos", ' "pos"') + '"good", "neg"\n'),
        ("a.jsonl", "".join(json.dumps({"text": str(i), "label": "x", "n" * i: 1}) + "\n" for i in range(1, 9))),
        (
            "a.jsonl",
            "".join(
                json.dumps({"text": "t", "label": "x"} | ({"review": 1} if i > 5 else {})) + "\n" for i in range(9)
            ),
        ),
    ],
)
def test_rows_are_those_read_in_memory(write: Write, name: str, content: str) -> None:
    path = write(name, content)
    assert streamed(path) == (in_memory(path), [])


@pytest.mark.parametrize("new", ["text_pair", "Text_B", "text"])
def test_a_key_that_comes_late_and_would_hold_a_role_is_refused(write: Write, new: str) -> None:
    values = [{"review": f"text {i}", "label": "pos"} for i in range(6)]
    path = write("a.jsonl", "".join(json.dumps(value) + "\n" for value in [*values, {**values[0], new: "late"}]))
    rows, bad = streamed(path)
    assert (len(rows), [one.line for one in bad]) == (6, [7])
    assert bad[0].reason.startswith(f"{new!r} would hold a role, and no row at the beginning")
    assert "among the first 4, or train with --set on_disk=false" in bad[0].reason


@pytest.mark.parametrize("start", ["x", "xy"])
def test_a_block_may_end_inside_of_a_character(write: Write, start: str) -> None:
    content = f"text,label\n{start},pos\n" + "\U0001f600\U0001f600\U0001f600,pos\n" * 20
    path = write("a.csv", content.encode("utf-16-le"))
    assert streamed(path) == (in_memory(path), [])

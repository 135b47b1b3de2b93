"""Files read as streams give the rows that reading them as a whole gives, with all of their columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from taskzoo.data.readers import read_rows
from taskzoo.data.streams import text_lines
from taskzoo.data.streams.open_source import open_source
from taskzoo.data.streams.records import BadRecord, Record
from taskzoo.errors import DataError

from .kit import items, request, write

LONG = [f"row {i} of many, é 好" for i in range(40)]
FILES: dict[str, str | bytes] = {
    "a.csv": "id,text\n" + "".join(f'{i},"{text}"\n' for i, text in enumerate(LONG)),
    "quotes.csv": 'id,text\n1,"two\nlines, and ""quotes"""\n2,plain\n3,"a\r\nb"\n' + "4,x\n" * 30,
    "crlf.csv": "id,text\r\n1,a\r\n2,b\r\n" + "3,c\r\n" * 30,
    "semicolons.csv": "id;text\n1;a, b\n" + "2;c\n" * 30,
    "sep.csv": "sep=;\nid;text\n1;a\n2;b\n",
    "spaces.csv": 'id, "text"\n1, "a, b" \n2, "c" \n',
    "blank.csv": "id,text\n1,a\n\n  \n2,\n3,c\n",
    "column.csv": "text\na\n\nb\n" + "c\n" * 30,
    "bom.csv": "\ufeffid,text\n1,a\n2,b\n",
    "wide.csv": "id,text\n1,é\n2,b\n".encode("utf-16"),
    "a.csv.gz": "id,text\n" + "".join(f'{i},"{text}"\n' for i, text in enumerate(LONG)),
    "a.tsv": "id\ttext\n" + "".join(f"{i}\t{text}\n" for i, text in enumerate(LONG)),
    "quoted.tsv": 'id\ttext\n1\t"a\nb"\n2\t"c\td"\n',
    "a.txt": "a text\n\nanother text\n" + "more text\n" * 30,
    "no-end.txt": "a text\nanother text",
    "a.jsonl": "".join(json.dumps({"id": i, "text": text, "more": {"x": [i]}}) + "\n" for i, text in enumerate(LONG)),
    "empty-lines.jsonl": '{"text": "a"}\n\n{"text": "b"}\n{"other": 1}\n',
    "one.jsonl": '{"text": "a"}',
    "inside.json": '{"data": [{"text": "a"}, {"text": "b"}]}',
    "array.json": '[{"text": "a"}, {"text": "b"}]',
    "pretty.json": '{\n "text": "a"\n}\n{\n "text": "b"\n}\n',
}


@pytest.fixture(params=["whole", "stream"])
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files are streams, too, if they are larger than the first block."""
    if request.param == "stream":
        monkeypatch.setattr(text_lines, "HEAD", 48)
        monkeypatch.setattr(text_lines, "_BLOCK", 7)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("name", FILES)
def test_a_stream_gives_the_rows_of_the_whole_file(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, FILES[name])
    found = items(path)
    assert all(isinstance(item, Record) for item in found), found
    assert [item.row for item in found if isinstance(item, Record)] == read_rows(path, request())


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.txt", "quotes.csv", "a.csv.gz", "array.json"])
def test_skipping_is_taking_and_dropping(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, FILES[name])
    every = items(path)
    for skipped in (0, 1, 2, 29, 1000):
        source = open_source(path, request(), tolerant=False)
        assert source.skip(skipped) == min(skipped, len(every))
        assert source.take(5) == every[skipped : skipped + 5]
        source.close()


@pytest.mark.parametrize(
    ("content", "columns", "values"),
    [
        ("id,text,note\n7,a,\n", ("id", "text", "note"), {"id": "7", "text": "a", "note": ""}),
        (",text\n7,a\n", ("", "text"), {"": "7", "text": "a"}),
        ("text,,\na,1,2\n", ("text", "column_1", "column_2"), {"text": "a", "column_1": "1", "column_2": "2"}),
        (
            "text,column_2,,\na,1,2,3\n",
            ("text", "column_2", "column_2_", "column_3"),
            {"text": "a", "column_2": "1", "column_2_": "2", "column_3": "3"},
        ),
        ("id;review\n7;a, b\n", ("id", "review"), {"id": "7", "review": "a, b"}),
        ('{"id": 7, "text": "a", "x": null}\n', ("id", "text", "x"), {"id": 7, "text": "a", "x": None}),
        ("just a text\nand one more\n", ("text",), {"text": "just a text"}),
    ],
)
def test_all_columns_are_kept(tmp_path: Path, content: str, columns: tuple[str, ...], values: Any) -> None:
    name = "a.jsonl" if content.startswith("{") else "a.txt" if "just" in content else "a.csv"
    path = write(tmp_path / name, content)
    source = open_source(path, request(), tolerant=False)
    assert source.columns == columns
    (first, *_) = source.take(10)
    assert isinstance(first, Record)
    assert first.values == values


def test_parquet_keeps_types_and_skips(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table({"id": pa.array(range(5000), pa.int32()), "text": [f"text {i}" for i in range(5000)]})
    pq.write_table(table, path, row_group_size=700)
    source = open_source(path, request(), tolerant=False)
    assert source.schema.field("id").type == pa.int32()
    assert source.skip(3333) == 3333
    (first,) = source.take(1)
    assert isinstance(first, Record)
    assert (first.values, first.row.line) == ({"id": 3333, "text": "text 3333"}, 3334)
    assert len(source.take(5000)) == 5000 - 3334
    assert source.done == 1
    assert [item.row for item in items(path) if isinstance(item, Record)] == read_rows(path, request())


BAD = {
    "ragged.csv": ("id,text\n1,a\n2,b,c\n3,d\n", [(3, "3 columns here and 2 on line 1")]),
    "broken.csv": ('id,text\n1,a\n2,"b"c\n3,d\n', [(3, "broken CSV")]),
    "again.csv": ("id,text\n1,a\nid,text\n3,d\n", [(3, "the header stands here again")]),
    "bytes.csv": (b"id,text\n1,a\n2,caf\xe9\n3,d\n", [(3, "byte 0xE9 is not UTF-8")]),
    "nul.csv": (b"id,text\n1,a\n2,b\x00\n3,d\n", [(3, "NUL byte")]),
    "ragged.tsv": ("id\ttext\n1\ta\n2\n3\td\n", [(3, "1 column here and 2 on line 1")]),
    "bytes.txt": (b"one text\nanother caf\xe9\nthe last text\n", [(2, "byte 0xE9")]),
    "broken.jsonl": ('{"text": "a"}\n{"text": \n[1]\n{"text": "d"}\n', [(2, "broken JSON"), (3, "JSON list instead")]),
}


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_is_set_apart_with_its_line_and_the_others_are_read(tmp_path: Path, name: str) -> None:
    content, expected = BAD[name]
    path = write(tmp_path / name, content)
    found = items(path, tolerant=True)
    bad = [item for item in found if isinstance(item, BadRecord)]
    assert [item.line for item in bad] == [line for line, _ in expected]
    for item, (_, reason) in zip(bad, expected, strict=True):
        assert reason in item.reason
        assert str(path) not in item.reason
        assert item.content
    good = [item.row["text"] for item in found if isinstance(item, Record)]
    assert good == ["one text", "the last text"] if name == "bytes.txt" else ["a", "d"]


def test_a_file_in_another_encoding_is_refused_and_not_all_bad(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", ("id,text\n" + "1,caf\u00e9\n" * 20).encode("latin-1"))
    with pytest.raises(DataError, match=r"a\.csv:2: .*WINDOWS-1252"):
        items(path, tolerant=True)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "id,title\n1,a\n", "text"),
        ("a.csv", "", "the file is empty"),
        ("a.csv", "text\n", "there is a header and no row"),
        ("a.jsonl", '{"title": "a"}\n', "no column for text; found 'title'"),
        ("a.jsonl", '{"title"\n', "broken JSON"),
        ("a.csv.gz", b"no gzip", "cannot be read"),
        ("a.txt", "x" * 10_000_001, "more than 10,000,000 characters stand here"),
        ("a.parquet", b"PAR1 and nothing else", "the Parquet file cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_at_all(tmp_path: Path, name: str, content: str | bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(DataError, match=said):
        items(path, tolerant=True)


def test_a_quote_that_never_ends_costs_its_record_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taskzoo.data.streams.table_source.LONGEST", 1000)
    path = write(tmp_path / "a.csv", 'id,text\n1,a\n2,"b\n' + "3,c\n" * 400)
    found = items(path, tolerant=True)
    bad = [item for item in found if isinstance(item, BadRecord)]
    assert bad[0].line == 3
    assert len(bad) == 1
    assert found[-1].row["text"] == "c"  # type: ignore[union-attr]


@pytest.mark.parametrize("blocks", [7, 30, 1000])
@pytest.mark.parametrize("name", ["a.csv", "quoted.csv", "a.tsv", "a.txt", "a.jsonl"])
def test_a_row_that_is_far_too_long_is_set_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, blocks: int
) -> None:
    for module in ("text_lines", "table_source"):
        monkeypatch.setattr(f"taskzoo.data.streams.{module}.LONGEST", 100)
    monkeypatch.setattr(text_lines, "HEAD", 60)
    monkeypatch.setattr(text_lines, "_BLOCK", blocks)
    rows = ["first", "word " * 40, "last"]
    if name == "a.jsonl":
        lines = [json.dumps({"text": row}) for row in rows]
    elif name == "a.txt":
        lines = rows
    else:
        between, quote = ("\t" if name == "a.tsv" else ","), ('"' if name == "quoted.csv" else "")
        lines = [f"id{between}text", *(f"{number}{between}{quote}{row}{quote}" for number, row in enumerate(rows))]
    found = items(write(tmp_path / name, "\n".join(lines) + "\n"), tolerant=True)
    assert [item.row["text"] for item in found if isinstance(item, Record)] == ["first", "last"]
    (bad,) = [item for item in found if isinstance(item, BadRecord)]
    assert bad.reason.startswith("more than 10,000,000 characters stand here")
    assert bad.line == lines.index(next(line for line in lines if len(line) > 100)) + 1

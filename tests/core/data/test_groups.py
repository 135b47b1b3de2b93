from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from taskzoo.data.hub import load_hub_rows
from taskzoo.data.readers import ReadRequest
from taskzoo.data.splits import split_examples
from taskzoo.errors import RequestError
from taskzoo.types import Row

from .conftest import Write
from .kit import TEXT, make_spec, pairs, refused, sentences, texts

CSV = "doc,text,label\nd1_1,a,x\nd1_2,b,y\nd2,c,x\n"


def groups(path: Path, group: str, **settings: Any) -> list[str]:
    return [row["group"] for row in texts(path, group=group, **settings)]


def test_a_column_by_name_or_position(write: Write) -> None:
    path = write("a.csv", CSV)
    assert groups(path, "doc") == groups(path, "0") == groups(path, "DOC") == ["d1_1", "d1_2", "d2"]
    assert groups(path, "-1") == ["x", "y", "x"]
    assert pairs(texts(path, group="doc")) == pairs(texts(path)) == [("a", "x"), ("b", "y"), ("c", "x")]
    assert "group" not in texts(path)[0].fields


def test_the_part_before_the_separator(write: Write) -> None:
    assert groups(write("a.csv", CSV), "doc:_") == ["d1", "d1", "d2"]
    colons = write("b.csv", "id,text,label\n7:1:x,a,x\n7:2:y,b,y\n")
    assert groups(colons, "id::") == ["7", "7"]
    assert groups(write("c.tsv", "id\ttext\tlabel\na::1\tb\tc\n"), "id:::") == ["a"]


def test_spaces_around_a_group_do_not_count(write: Write) -> None:
    path = write("a.csv", "doc,text,label\n7,a,x\n7 ,b,y\n 7_2,c,x\n7 _3,d,x\n")
    assert groups(path, "doc:_") == ["7"] * 4
    assert groups(path, "doc") == ["7", "7", "7_2", "7 _3"]


@pytest.mark.parametrize("text", ["", " ", "doc:", ":_"])
def test_another_form(write: Write, text: str) -> None:
    with pytest.raises(RequestError, match=r"COLUMN or COLUMN:SEPARATOR"):
        texts(write("a.csv", CSV), group=text)


def test_without_a_header(write: Write) -> None:
    path = write("a.tsv", "1_1\t-0.9\tno picture\n1_2\t-0.1\tbetter\n2_1\t1.5\tgood\n")
    mapped = {"text": "2", "label": "1"}
    rows = texts(path, group="0:_", columns=mapped)
    assert [(row["group"], row["label"], row["text"]) for row in rows][1:] == [
        ("1", "-0.1", "better"),
        ("2", "1.5", "good"),
    ]
    refused(path, "no column for text, label", line=1, group="0", required=frozenset())
    refused(path, "group=3 is outside", group="3", columns=mapped)
    refused(path, "no column 'id' for group", "--group-by NAME", line=1, group="id", columns=mapped)


def test_rows_may_be_grouped_by_what_they_hold(write: Write) -> None:
    roles = {**TEXT, "text_pair": "a second text"}
    rows = texts(write("a.csv", "premise,hypothesis,label\na,b,x\na,c,y\n"), roles=roles, group="premise")
    assert [dict(row.fields) for row in rows] == [
        {"text": "a", "label": "x", "text_pair": "b", "group": "a"},
        {"text": "a", "label": "y", "text_pair": "c", "group": "a"},
    ]


def test_a_missing_column_or_value(write: Write) -> None:
    path = write("a.csv", CSV)
    refused(path, "no column 'dok' for group", "(nearest: 'doc')", "--group-by NAME", line=1, group="dok")
    refused(write("b.csv", CSV.replace("d2,c", ",c")), "group is empty", line=4, group="doc")
    refused(write("c.csv", CSV.replace("d2,c", "_2,c")), "nothing stands before '_' in '_2'", line=4, group="doc:_")
    lines = '{"doc": {"id": 3}, "text": "a", "label": 1}\n{"doc": {}, "text": "b", "label": 1}\n'
    refused(write("d.jsonl", lines), "no 'doc.id' here", line=2, group="doc.id")
    refused(write("e.jsonl", lines), "the group is an object", line=1, group="doc")


def test_json_values(write: Write) -> None:
    lines = '{"doc": {"id": 3}, "text": "a", "label": 1}\n{"doc": {"id": "3"}, "text": "b", "label": 1}\n'
    assert groups(write("a.jsonl", lines), "doc.id") == ["3", "3"]
    assert groups(write("a.json", f"[{lines.strip().replace(chr(10), ',')}]"), "doc.id") == ["3", "3"]
    refused(write("b.jsonl", '{"doc": [1, 2], "text": "a", "label": 1}\n'), "a list", line=1, group="doc")


def test_parquet(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"n": [10, 11], "text": ["a", "b"], "label": ["x", "y"]}), tmp_path / "a.parquet")
    assert groups(tmp_path / "a.parquet", "n", formats=("parquet",)) == ["10", "11"]


def test_conll_takes_the_column_that_is_alike_in_a_sentence(write: Write) -> None:
    path = write("a.conll", "EU\tB-ORG\td1\nrejects\tO\td1\n\nPeter\tB-PER\td2\n")
    rows = sentences(path, columns={"tags": "1"}, group="2")
    assert [row["group"] for row in rows] == ["d1", "d2"]
    assert rows[0]["tags"] == ["B-ORG", "O"]
    refused(path, "the last", "--columns tags=1", read=sentences, group="-1")
    refused(path, "no names", "--group-by 0", read=sentences, group="doc")
    refused(path, "the group is a list", line=1, read=sentences, columns={"tags": "1"}, group="0")


def test_groups_of_a_hub_data_set(write: Write, tmp_path: Path) -> None:
    write("train.csv", CSV)

    def load(**request: str) -> list[Row]:
        return load_hub_rows(str(tmp_path), ReadRequest(make_spec(TEXT), **request)).rows["train"]  # type: ignore[arg-type]

    assert [row["group"] for row in load(group="doc:_")] == ["d1", "d1", "d2"]
    assert "group" not in load()[0].fields
    with pytest.raises(RequestError, match=r"no column 'id' for group.*'doc', 'text', 'label'.*--group-by"):
        load(group="id")


def test_read_groups_keep_rows_together(write: Write) -> None:
    lines = [f"{doc}_{i},text {doc} {i},{'pos' if (doc + i) % 2 else 'neg'}" for doc in range(30) for i in range(4)]
    rows = texts(write("a.csv", "\n".join(["id,text,label", *lines])), group="id:_")
    *parts, info = split_examples(
        [row.example(**row.fields) for row in rows],
        dedup_key=lambda r: (r["text"], r["label"]),
        seed=0,
        groups=[row["group"] for row in rows],
    )
    held = [{row["group"] for row in part} for part in parts]
    assert sum(len(part) for part in held) == len(held[0] | held[1] | held[2]) == 30
    assert [len(part) for part in held] == [24, 3, 3]
    assert (info["grouped"], info["units"], info["method"]) == (True, 30, "stratified")

"""What is written of a row, in every format."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from taskzoo import registry
from taskzoo.bulk.atomic import atomic_file, remove_leftovers
from taskzoo.bulk.job import Inputs, Output, bad_path, open_input, predict_to_file
from taskzoo.bulk.meter import Meter
from taskzoo.bulk.output_columns import OutputColumns
from taskzoo.bulk.output_format import OutputFormat
from taskzoo.bulk.predicting import Policy
from taskzoo.bulk.writers import make_writer
from taskzoo.data.readers import ReadRequest, read_rows
from taskzoo.data.streams.records import Answer, BadRecord, Record
from taskzoo.errors import DataError, RequestError, UnknownNameError
from taskzoo.types import Row

from .kit import Lengths, write

TABLE = 'id,text,label\n7,a short text,old\n8,,\n9,"a much longer text, in quotes",new\n'
SHORT = {"label": "long", "score": 0.6, "scores": {"long": 0.6, "short": 0.4}}


def predict(path: Path, output: Path, *, keep: bool = True, strict: bool = False, format: str = "") -> Any:
    model = Lengths(path.parent)
    found = OutputFormat.named(format) if format else OutputFormat.of_file(output)
    source = open_input(model, Inputs((str(path),)), tolerant=not strict)
    return predict_to_file(model, source, Output(output, found, keep), Policy(strict=strict), Meter(shown=False))


def test_csv_has_the_columns_of_the_input_and_loses_none(tmp_path: Path) -> None:
    predict(write(tmp_path / "in.csv", TABLE), tmp_path / "out.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text(encoding="utf-8"))))
    assert list(rows[0]) == ["id", "text", "label", "predicted_label", "score", "scores"]
    assert [row["id"] for row in rows] == ["7", "8", "9"]
    assert [row["label"] for row in rows] == ["old", "", "new"]
    assert [row["predicted_label"] for row in rows] == ["long", "", "long"]
    assert json.loads(rows[0]["scores"]) == {"long": 0.6, "short": 0.4}
    assert (rows[1]["score"], rows[1]["scores"]) == ("", "")


def test_tsv_json_lines_text_and_gz_say_the_same(tmp_path: Path) -> None:
    path = write(tmp_path / "in.csv", TABLE)
    for name in ("out.tsv", "out.jsonl", "out.jsonl.gz", "out.csv.gz", "out.tsv.gz"):
        predict(path, tmp_path / name)
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows[0] == {**SHORT, "id": "7", "text": "a short text", "label": "old", "predicted_label": "long"}
    assert gzip.decompress((tmp_path / "out.jsonl.gz").read_bytes()) == (tmp_path / "out.jsonl").read_bytes()
    table = csv.DictReader(io.StringIO((tmp_path / "out.tsv").read_text(encoding="utf-8")), delimiter="\t")
    assert [row["predicted_label"] or None for row in table] == [row["predicted_label"] for row in rows]
    predict(path, tmp_path / "out.txt", format="text")
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == "long\n\nlong\n"


def test_parquet_keeps_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": pa.array([1, 2, None], pa.int32()),
            "when": pa.array([0, 1, 2], pa.timestamp("s")),
            "text": ["a text", "", "a text that is long"],
            "tags": [["a"], [], None],
        }
    )
    pq.write_table(table, tmp_path / "in.parquet")
    predict(tmp_path / "in.parquet", tmp_path / "out.parquet")
    found = pq.read_table(tmp_path / "out.parquet")
    assert found.select(table.column_names).equals(pq.read_table(tmp_path / "in.parquet"))
    assert found.column("label").to_pylist() == ["short", None, "long"]
    assert found.column("score").to_pylist() == [0.3, None, 0.95]
    predict(tmp_path / "in.parquet", tmp_path / "out.jsonl")
    first = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert (first["id"], first["when"], first["tags"]) == (1, "1970-01-01 00:00:00", ["a"])


@pytest.mark.parametrize("name", ["out.csv", "out.parquet", "out.jsonl"])
def test_columns_without_a_name_keep_their_values(tmp_path: Path, name: str) -> None:
    """Excel writes separators up to the last column that anything ever stood in."""
    path = write(tmp_path / "in.csv", "text,note,,\na text,x,1,2\nb text,y,3,\n")
    predict(path, tmp_path / name)
    if name == "out.jsonl":
        rows = [json.loads(line) for line in (tmp_path / name).read_text(encoding="utf-8").splitlines()]
    elif name == "out.csv":
        rows = list(csv.DictReader(io.StringIO((tmp_path / name).read_text(encoding="utf-8"))))
    else:
        rows = pq.read_table(tmp_path / name).to_pylist()
    assert [(row["note"], row["column_2"], row["column_3"], row["label"]) for row in rows] == [
        ("x", "1", "2", "short"),
        ("y", "3", "", "short"),
    ]


def test_without_columns_json_lines_are_the_predictions(tmp_path: Path) -> None:
    path = write(tmp_path / "in.csv", "id,text\n7,a short text\n")
    predict(path, tmp_path / "out.jsonl", keep=False)
    assert json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8")) == {"text": "a short text", **SHORT}


def test_an_object_with_another_key_goes_into_json_lines_but_into_no_table(tmp_path: Path) -> None:
    lines = '{"text": "a"}\n' * 1200 + '{"text": "b", "label": "given", "new": 1}\n{"text": "c"}\n'
    path = write(tmp_path / "in.jsonl", lines)
    assert predict(path, tmp_path / "out.jsonl").bad == 0
    last = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()[1200])
    assert (last["new"], last["label"], last["predicted_label"]) == (1, "given", "short")
    done = predict(path, tmp_path / "out.csv")
    assert (done.rows, done.bad) == (1201, 1)
    bad = json.loads(bad_path(tmp_path / "out.csv").read_text(encoding="utf-8"))
    assert bad["line"] == 1201
    assert "is not among those of the first rows" in bad["reason"]


def test_bad_rows_stand_beside_the_output(tmp_path: Path) -> None:
    content = b"id,text\n1,a\n2,b,c\n3,refuse me\n4,caf\xe9\n5,e\n"
    path = write(tmp_path / "in.csv", content)
    done = predict(path, tmp_path / "out.csv")
    assert (done.rows, done.bad) == (2, 3)
    assert [row["id"] for row in csv.DictReader((tmp_path / "out.csv").open(encoding="utf-8"))] == ["1", "5"]
    beside = bad_path(tmp_path / "out.csv")
    bad = [json.loads(line) for line in beside.read_text(encoding="utf-8").splitlines()]
    assert [(row["file"], row["line"]) for row in bad] == [("in.csv", 3), ("in.csv", 4), ("in.csv", 5)]
    assert bad[1]["reason"] == "this text is refused."
    assert bad[1]["row"] == {"id": "3", "text": "refuse me"}
    predict(path, tmp_path / "out.txt", format="text")
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == "short\n\n\n\nshort\n"
    predict(write(path, "id,text\n1,a\n"), tmp_path / "out.csv")
    assert not beside.exists()


def test_strict_stops_and_leaves_nothing(tmp_path: Path) -> None:
    for row, said in (("2,b,c", "3 columns here"), ("2,refuse", "refused")):
        path = write(tmp_path / "in.csv", f"id,text\n1,a\n{row}\n")
        with pytest.raises(DataError, match=rf"in\.csv:3: .*{said}"):
            predict(path, tmp_path / "out.csv", strict=True)
    assert [file.name for file in tmp_path.iterdir()] == ["in.csv"]


def test_only_bad_rows_are_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "in.csv", "id,text\n1,refuse\n2,refuse\n")
    with pytest.raises(DataError, match="none of the first 2 rows can be used; this one: this text is refused"):
        predict(path, tmp_path / "out.csv")


def test_a_name_that_is_taken_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "in.csv", "text,label,predicted_label\na,b,c\n")
    with pytest.raises(RequestError, match="has a column 'predicted_label'"):
        predict(path, tmp_path / "out.csv")


def test_files_with_other_columns_are_refused_for_a_table(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "id,text\n1,a\n")
    write(tmp_path / "b.csv", "number,text\n1,a\n")
    inputs = Inputs((str(tmp_path / "*.csv"),))
    with pytest.raises(DataError, match=r"b\.csv: this file has the columns number, text"):
        open_input(Lengths(tmp_path), inputs, tolerant=True, same_columns=True)


PREDICTIONS: list[dict[str, Any]] = [
    {"text": "Ada left", "tokens": ["Ada", "left"], "tags": ["B-PER", "O"], "entities": []},
    {"text": "", "tokens": [], "tags": [], "entities": []},
    {"text": "# 明  上", "tokens": ["#", "明", " ", "上"], "tags": ["O", "O", "O", "B-LOC"], "entities": []},
]


def answers() -> list[Answer]:
    return [Answer(Record(Row({"text": p["text"]}, "in", n), {}), p) for n, p in enumerate(PREDICTIONS, 1)]


def columns() -> OutputColumns:
    types = {key: type(value) for key, value in PREDICTIONS[0].items()}
    return OutputColumns((), None, frozenset(), {key: key for key in types}, types, "tags")


def test_conll_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    with atomic_file(path) as (file, _):
        make_writer(OutputFormat.of_file(path), file, columns()).write(answers())
    assert path.read_text(encoding="utf-8") == "Ada\tB-PER\nleft\tO\n\n\n#\tO\n明\tO\n \tO\n上\tB-LOC\n\n"
    rows = read_rows(path, ReadRequest(registry.task("ner")))
    assert [(row["tokens"], row["tags"]) for row in rows] == [
        (p["tokens"], p["tags"]) for p in PREDICTIONS if p["tags"]
    ]


@pytest.mark.parametrize("name", ["a.conll", "a.conll.gz"])
def test_a_row_that_conll_cannot_have_is_set_apart(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    rows = [["Ada", "left"], ["a\tb"], ["-DOCSTART-", "left"], ["Noor"]]
    found = [
        Answer(Record(Row({"tokens": words}, "in.jsonl", n), {}), {"tokens": words, "tags": ["O"] * len(words)})
        for n, words in enumerate(rows, 1)
    ]
    with atomic_file(path) as (file, _):
        writer = make_writer(OutputFormat("conll", name.endswith(".gz")), file, columns())
        fitting = writer.fitting(found)
        writer.write(fitting)
        writer.finish()
    apart = [item for item in fitting if isinstance(item, BadRecord)]
    assert [(item.line, item.content) for item in apart] == [(2, {"tokens": rows[1]}), (3, {"tokens": rows[2]})]
    assert apart[1].reason.startswith("the word '-DOCSTART-' cannot stand in CoNLL; write JSON lines")
    assert [row["tokens"] for row in read_rows(path, ReadRequest(registry.task("ner")))] == [rows[0], rows[3]]


def test_any_other_name_is_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with atomic_file(path) as (file, _):
        make_writer(OutputFormat.of_file(path), file, columns()).write(answers())
    assert [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] == PREDICTIONS


def test_names_of_formats() -> None:
    assert OutputFormat.of_file(Path("a.CSV.gz")) == OutputFormat("csv", True)
    assert OutputFormat.of_file(Path("a.json")) == OutputFormat.named("jsonl")
    assert OutputFormat.named("text.gz").ending == ".txt.gz"
    with pytest.raises(UnknownNameError, match=r"'csv\.zip'"):
        OutputFormat.named("csv.zip")
    with pytest.raises(RequestError, match=r"leave out the \.gz"):
        OutputFormat.of_file(Path("a.parquet.gz"))
    with pytest.raises(RequestError, match="predicts no tags"):
        OutputFormat("conll").check_task(registry.task("classification"))


def test_a_file_is_there_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    path = write(tmp_path / "a", "before")
    with suppress(KeyError), atomic_file(path) as (file, _):
        file.write(b"half")
        raise KeyError
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"before"]
    with atomic_file(path) as (file, hashed):
        file.write(b"abc")
    assert path.read_bytes() == b"abc"
    assert hashed.sha256.startswith("ba7816bf")


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    target = write(tmp_path / "data" / "a", "before")
    links = [tmp_path / "one", tmp_path / "two"]
    links[1].symlink_to("data/a")
    links[0].symlink_to("two")
    with atomic_file(links[0]) as (file, _):
        file.write(b"after")
    assert target.read_bytes() == b"after"
    assert all(link.is_symlink() for link in links)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "data", "one", "two"]


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(RequestError, match="loop' is a link that leads to itself"), atomic_file(tmp_path / "loop"):
        pass


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files have no paths here")
def test_an_open_file_of_the_process_is_written_to_as_it_is(tmp_path: Path) -> None:
    """As ``/dev/stdout`` is, whatever it was redirected to."""
    path, link = tmp_path / "redirected", tmp_path / "stdout"
    with path.open("ab") as opened:
        opened.write(b"before\n")
        opened.flush()
        link.symlink_to(f"/proc/self/fd/{opened.fileno()}")
        with atomic_file(link) as (file, hashed):
            file.write(b"abc")
        opened.write(b"\nafter")
    assert path.read_bytes() == b"before\nabc\nafter"
    assert hashed.sha256.startswith("ba7816bf")
    assert link.is_symlink()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
def test_what_another_process_is_writing_is_no_leftover(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write(tmp_path / ".a.0123456789ab.new", "of a process that was killed")
    with atomic_file(path) as (file, _):
        file.write(b"one")
        with atomic_file(path) as (other, _):
            other.write(b"two")
        remove_leftovers(path)
        assert len(list(tmp_path.iterdir())) == 2
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"one"]


def test_of_a_very_long_bad_row_only_the_beginning_is_written(tmp_path: Path) -> None:
    path = write(tmp_path / "in.csv", "id,text\n1,a\n2,refuse " + "x" * 200_000 + "\n3,b\n")
    assert predict(path, tmp_path / "out.csv").bad == 1
    bad = json.loads(bad_path(tmp_path / "out.csv").read_text(encoding="utf-8"))
    assert bad["row"].startswith('{"id": "2", "text": "refuse xxx')
    assert len(bad["row"]) == 100_000


@pytest.mark.parametrize("name", ["out.csv", "out.tsv", "out.csv.gz"])
def test_a_carriage_return_ends_no_record(tmp_path: Path, name: str) -> None:
    rows = [{"text": "one\rtwo", "id": "a"}, {"text": "three\r\nfour", "id": "b"}, {"text": "five", "id": "c"}]
    path = write(tmp_path / "in.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    predict(path, tmp_path / name)
    content = (tmp_path / name).read_bytes()
    text = (gzip.decompress(content) if name.endswith(".gz") else content).decode()
    found = list(csv.DictReader(io.StringIO(text, newline=""), delimiter="\t" if ".tsv" in name else ","))
    assert [{"text": row["text"], "id": row["id"]} for row in found] == rows
    assert text.splitlines()[-1].startswith("five\t" if ".tsv" in name else "five,")  # unquoted, as it was


def test_a_table_that_begins_with_blank_rows_has_all_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "in.csv", "id,text\n" + "".join(f"{i},\n" for i in range(1000)) + "1000,a text\n")
    predict(path, tmp_path / "out.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text(encoding="utf-8"))))
    assert len(rows) == 1001
    assert list(rows[0]) == ["id", "text", "label", "score", "scores"]
    assert (rows[0]["scores"], rows[-1]["label"]) == ("", "short")


@pytest.mark.parametrize("second", [{"id": ["x"]}, {"id": [2], "more": ["m"]}])
def test_files_of_other_types_become_one_table_without_losing_a_column(tmp_path: Path, second: Any) -> None:
    files = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    pq.write_table(pa.table({"text": ["one"], "id": [1]}), files[0])
    pq.write_table(pa.table({"text": ["two"], **second}), files[1])
    model, out = Lengths(tmp_path), tmp_path / "out.parquet"
    source = open_input(model, Inputs(tuple(map(str, files))), tolerant=True)
    predict_to_file(model, source, Output(out, OutputFormat.of_file(out), True), Policy(), Meter(shown=False))
    rows = pq.read_table(out).to_pylist()
    assert [row["id"] for row in rows] == ["1", str(second["id"][0])]
    assert [row.get("more") for row in rows] == [None, second.get("more", [None])[0]]

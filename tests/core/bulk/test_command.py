"""``zoo predict`` for many rows, as a person types it."""

from __future__ import annotations

import csv
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd
import pyarrow.parquet as pq
import pytest
from tests.core.runs.kit import read_lines, zoo

from taskzoo.bulk import predicting
from taskzoo.bulk.meter import Meter
from taskzoo.bulk.remarks import Remarks
from taskzoo.cli import main
from taskzoo.errors import RequestError

from .kit import digests, write


def test_a_table_keeps_its_columns_and_bad_rows_are_listed(finished: Path, table: Path, tmp_path: Path) -> None:
    result = zoo("predict", finished, "--input", table, "--output", tmp_path / "out.csv")
    assert (result.code, result.out) == (0, "")
    assert "993 predictions written to" in result.err
    assert f"2 rows could not be used; see {tmp_path / 'out.csv'}.bad.jsonl" in result.err
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["id", "text", "label", "score", "scores"]
    assert [row["line"] for row in read_lines(tmp_path / "out.csv.bad.jsonl")] == [122, 779]
    zoo("predict", finished, "--input", tmp_path / "out.csv", "--output", tmp_path / "again.parquet")
    again = pq.read_table(tmp_path / "again.parquet").to_pylist()
    assert [row["label"] for row in again] == [row["predicted_label"] for row in again]
    plain = zoo("predict", finished, "--input", tmp_path / "out.csv", "--output", tmp_path / "out.jsonl")
    assert plain.code == 0
    assert list(read_lines(tmp_path / "out.jsonl")[0]) == ["text", "label", "score", "scores"]


def test_a_folder_of_shards_is_resumed(finished: Path, table: Path, tmp_path: Path) -> None:
    words = ["predict", finished, "--input", table, "--shard-rows", 300, "--output-format", "tsv.gz"]
    first = zoo(*words, "--output", f"{tmp_path}/out/", "--shard", "2/2")
    assert "499 predictions written to 2 shards in" not in first.err
    assert sorted(path.name for path in (tmp_path / "out").glob("part-*")) == ["part-00001.tsv.gz", "part-00003.tsv.gz"]
    whole = zoo(*words, "--output", tmp_path / "out")
    assert (whole.code, whole.out) == (0, "")
    assert whole.err.startswith("993 predictions written to 4 shards, 2 of which were there in")
    zoo(*words, "--output", f"{tmp_path}/other/")
    assert digests(tmp_path / "out") == digests(tmp_path / "other")
    refused = zoo(*words, "--output", tmp_path / "out", "--min-confidence", "0.5")
    assert (refused.code, "min_confidence changed since; choose another --output" in refused.err) == (2, True)


def test_strict_stops_at_a_bad_row_and_so_do_predictions_without_columns(
    finished: Path, table: Path, tmp_path: Path
) -> None:
    for words in (["--output", tmp_path / "out.csv", "--strict"], ["--output", tmp_path / "out.jsonl"], []):
        result = zoo("predict", finished, "--input", table, *words)
        assert (result.code, result.out) == (2, "")
        assert "in.csv:122: 1 column here and 2 on line 1" in result.err
    assert not list(tmp_path.iterdir())
    listed = zoo("predict", finished, "--input", table, "--output", tmp_path / "out.jsonl", "--no-strict")
    assert listed.code == 0
    assert len(read_lines(tmp_path / "out.jsonl")) == 993


def test_standard_input_is_answered_as_it_comes(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first chunk is answered before the second is read."""
    monkeypatch.setattr(predicting, "CHUNK", 10)
    monkeypatch.setattr("taskzoo.bulk.job.CHUNK", 10)
    seen: list[int] = []

    class Lines:
        def __iter__(self) -> Any:
            for number in range(25):
                seen.append(len(printed))
                yield f"text {number}\n"

        def isatty(self) -> bool:
            return False

    printed: list[Any] = []
    with (
        mock.patch.object(sys, "argv", ["zoo", "predict", str(finished)]),
        mock.patch.object(sys, "stdin", Lines()),
        mock.patch("taskzoo.cli.output.print_json_line", printed.append),
        suppress(SystemExit),
    ):
        main()
    assert [p["text"] for p in printed] == [f"text {i}" for i in range(25)]
    assert (seen[0], seen[9], seen[10], seen[20]) == (0, 0, 10, 20)


def test_predict_is_lazy_where_it_is_asked_to_be(loaded: Any) -> None:
    read: list[int] = []

    def texts() -> Any:
        for number in range(2500):
            read.append(number)
            yield f"text {number}"

    answers = loaded.predict(texts(), lazy=True)
    assert not read
    first = next(answers)
    assert len(read) == 1000
    assert first == loaded.predict("text 0")
    assert [first["text"], *(answer["text"] for answer in answers)] == [f"text {i}" for i in range(2500)]


def test_what_is_one_input_cannot_be_lazy(loaded: Any) -> None:
    """Its letters or the names of its columns would be the inputs."""
    for one in ("a text", {"text": "a text"}, pd.DataFrame({"text": ["a", "b"], "id": [1, 2]})):
        with pytest.raises(RequestError, match="lazy=True reads many inputs one after the other"):
            loaded.predict(one, lazy=True)


@pytest.mark.parametrize("broken", ['{"text": ', "[" * 100_000, "5"])
def test_a_broken_line_of_standard_input_is_set_apart(broken: str, finished: Path, tmp_path: Path) -> None:
    lines = ['{"text": "one", "id": 1}', broken, '{"text": "two", "id": 2}']
    for order, bad in ((lines, 2), (lines[1:], 1)):
        out = tmp_path / f"out{bad}.csv"
        result = zoo("predict", finished, "--json", "--output", out, stdin="\n".join(order) + "\n")
        assert result.code == 0, result.err
        with out.open(encoding="utf-8", newline="") as file:
            assert [row["id"] for row in csv.DictReader(file)] == ["1", "2"][bad == 1 :]
        assert [row["line"] for row in read_lines(Path(f"{out}.bad.jsonl"))] == [bad]
    words = ["predict", finished, "--json", "--output", tmp_path / "strict.parquet", "--strict"]
    strict = zoo(*words, stdin="\n".join(lines) + "\n")
    assert strict.code == 2
    assert "input:2: this is not a JSON object" in strict.err


@pytest.mark.parametrize("role", ["text", "sentence"])
@pytest.mark.parametrize("first", ["", '{"ROLE": "none"}', '{"ROLE": "none", "id": 0}'])
def test_columns_of_standard_input_are_those_of_its_first_objects(
    role: str, first: str, finished: Path, tmp_path: Path
) -> None:
    lines = [first, '{"ROLE": "one", "id": 1}', "", '{"ROLE": "two", "more": "yes"}']
    out = tmp_path / "out.csv"
    stdin = "".join(f"{line}\n" for line in lines).replace("ROLE", role)
    result = zoo("predict", finished, "--json", "--output", out, stdin=stdin)
    assert result.code == 0, result.err
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row[role] for row in rows] == ["none" if first else "", "one", "", "two"]
    assert [row["id"] for row in rows][1:] == ["1", "", ""]
    assert [row["more"] for row in rows] == ["", "", "", "yes"]
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_the_output_is_neither_an_input_nor_a_file_of_the_run(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = {
        name: write(Path(name), "text\na cat\n").read_bytes() for name in ("in.csv", "b.csv", "out.csv.bad.jsonl")
    }
    Path("link.csv").symlink_to("b.csv")
    of_run = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    for inputs, output, said in (
        (["in.csv"], "in.csv", "is the file of --input 'in.csv', which stays as it is"),
        (["in.csv", "b.csv"], "./b.csv", "is the file of --input 'b.csv'"),
        (["b.csv"], "link.csv", "is the file of --input 'b.csv'"),
        (["out.csv.bad.jsonl"], "out.csv", "would have its bad rows in 'out.csv.bad.jsonl', the file of --input"),
        (["in.csv"], finished / "metrics.json", "is inside the run"),
        (["in.csv"], finished / "model" / "task.json", "is inside the run"),
        (["in.csv"], f"{finished}/shards/", "is inside the run"),
    ):
        words = [word for file in inputs for word in ("--input", file)]
        result = zoo("predict", finished, *words, "--output", output)
        assert (result.code, said in result.err) == (2, True), result.err
        assert len(result.err.splitlines()) == 1
    assert {name: Path(name).read_bytes() for name in before} == before
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*")} == of_run


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes")
def test_a_pipe_is_no_input_file(finished: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    result = zoo("predict", finished, "--input", tmp_path / "pipe")
    assert (result.code, "this is a pipe or a device" in result.err) == (2, True), result.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--output", "out/", "text"], "is a folder of shards, which need files to read; name them by --input"),
        (["--shard", "1/2", "text"], "--shard is for a folder of shards"),
        (["--input", "IN", "--output", "out.csv", "--shard-rows", "5"], "--shard-rows is for a folder of shards"),
        (["--input", "IN", "--output", "out/", "--shard", "3"], "--shard 3 is not a part"),
        (["--input", "IN", "--output", "out/", "--shard-rows", "0"], "--shard-rows is 0 and must be at least 1"),
        (["--input", "IN", "--output", "out/", "--output-format", "xml"], "no output format named 'xml'"),
        (["--input", "IN", "--output", "out/", "--output-format", "conll"], "predicts no tags"),
        (["--input", "IN", "--output", "out.parquet.gz"], "leave out the .gz"),
        (["--input", "IN", "--output", "out/", "--engine", "spark"], "no engine named 'spark'"),
        (["--input", "IN", "--output", "out/", "--workers", "2"], "--workers is for --engine ray"),
        (["--input", "IN", "--output-format", "csv"], "--output-format is for what is written to a file"),
        (["--input", "IN", "--keep-columns"], "--keep-columns is for what is written to a file"),
        (["--input", "IN", "--no-strict"], "--no-strict is for what is written to a file"),
        (["--input", "IN", "--output", "other"], "holds other files; name a new one"),
        (["--input", "gone.csv", "--output", "out/"], "gone.csv: there is no such file"),
        (["text", "--columns", "text=1"], "--columns is for the file of --input; give that, or leave --columns out"),
        (["text", "--format", "csv"], "--format is for the file of --input; give that, or leave --format out"),
        (["--json", "--format", "csv"], "--format is for the file of --input; give that, or leave --format out"),
    ],
)
def test_requests_that_cannot_be_met(
    finished: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").mkdir()
    write(tmp_path / "other" / "file", "x")
    result = zoo("predict", finished, *(table if word == "IN" else word for word in words))
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert len(result.err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_texts_and_objects_go_into_files_too(finished: Path, tmp_path: Path) -> None:
    lines = '{"id": 7, "text": "a cat"}\n\n{"id": 8, "text": 5}\n{"id": 9, "text": "a dog"}\n'
    result = zoo("predict", finished, "--json", "--output", tmp_path / "out.csv", stdin=lines)
    assert result.code == 0, result.err
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        assert [(row["id"], row["text"]) for row in csv.DictReader(file)] == [("7", "a cat"), ("", ""), ("9", "a dog")]
    (bad,) = read_lines(tmp_path / "out.csv.bad.jsonl")
    assert (bad["line"], bad["row"]) == (3, {"id": 8, "text": 5})
    assert zoo("predict", finished, "--output", tmp_path / "none.csv", stdin="").code == 0
    assert not (tmp_path / "none.csv").read_bytes().strip()


def test_remarks_are_added_up() -> None:
    remarks = Remarks()
    for message in ("1 truncated rows, 5 cut tokens", "2 truncated rows", "scores are not calibrated", "3 outputs cut"):
        remarks(message)
    remarks("scores are not calibrated")
    assert remarks.all() == ["3 truncated rows, 5 cut tokens, 3 outputs cut", "scores are not calibrated"]


def test_progress_has_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("taskzoo.bulk.meter.time.monotonic", lambda: now)
    meter = Meter(shown=False)
    meter.update(1000, 0, 0.4)  # what was done before is no measure of the rate
    now = 10.0
    meter.update(1000, 3, 0.5)
    assert meter.line(0.5, now) == "2,000 rows, 100 rows/s, 50% of the input, 50 s left, 3 bad"

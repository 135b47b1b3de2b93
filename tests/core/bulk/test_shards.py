"""A folder of shards: the same bytes whoever writes them, when, and however often the process is killed."""

from __future__ import annotations

import gzip
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from taskzoo.bulk.job import Inputs, Output, Summary
from taskzoo.bulk.manifest import Manifest, ShardEntry
from taskzoo.bulk.meter import Meter
from taskzoo.bulk.output_format import OutputFormat
from taskzoo.bulk.part import Part
from taskzoo.bulk.predicting import Policy
from taskzoo.bulk.shards import ShardJob, predict_to_folder
from taskzoo.errors import DataError, RequestError

from .kit import Lengths, digests, write

ROWS = 50  # of a shard: 20 of them


def job(table: Path, folder: Path, *, format: str = "jsonl", rows: int = ROWS, **policy: Any) -> ShardJob:
    return ShardJob(Inputs((str(table),)), Output(folder, OutputFormat.named(format), True, rows), Policy(**policy))


def shards(model: Any, made: ShardJob, part: str = "1/1") -> Summary:
    return predict_to_folder(model, made, Part.parse(part), Meter(shown=False))


@pytest.fixture
def model(tmp_path: Path) -> Lengths:
    (tmp_path / "model").mkdir()
    write(tmp_path / "model" / "weights", "1")
    return Lengths(tmp_path / "model")


@pytest.fixture
def undisturbed(model: Lengths, table: Path, tmp_path: Path) -> dict[str, str]:
    shards(model, job(table, tmp_path / "undisturbed"))
    return digests(tmp_path / "undisturbed")


def test_shards_hold_every_row_in_order_and_bad_rows_stand_beside(model: Lengths, table: Path, tmp_path: Path) -> None:
    done = shards(model, job(table, tmp_path / "out"))
    assert (done.rows, done.bad, done.shards, done.there_before) == (993, 2, 20, 0)
    parts = sorted((tmp_path / "out").glob("part-*"))
    assert [part.name for part in parts] == [f"part-{i:05d}.jsonl" for i in range(20)]
    rows = [json.loads(line) for part in parts for line in part.read_text(encoding="utf-8").splitlines()]
    assert [int(row["id"]) for row in rows] == [i for i in range(995) if i not in (120, 777)]
    bad = {file.name: json.loads(file.read_text(encoding="utf-8")) for file in (tmp_path / "out").glob("bad-*")}
    assert {name: row["line"] for name, row in bad.items()} == {"bad-00002.jsonl": 122, "bad-00015.jsonl": 779}
    manifest = [json.loads(line) for line in (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()]
    assert [(entry["shard"], entry["state"]) for entry in manifest[1:]] == [(i, "done") for i in range(20)]
    assert {entry["file"]: entry["sha256"] for entry in manifest[1:]} == {
        name: sha for name, sha in digests(tmp_path / "out").items() if name.startswith("part")
    }


@pytest.mark.parametrize("order", ["1 2 3", "3 1 2"])
def test_parts_together_are_the_whole(model, table, tmp_path, undisturbed, order: str) -> None:
    for number in order.split():
        shards(model, job(table, tmp_path / "out"), f"{number}/3")
    assert digests(tmp_path / "out") == undisturbed
    again = shards(model, job(table, tmp_path / "out"))  # by another number of processes
    assert (again.shards, again.there_before, again.rows) == (20, 20, 993)


def test_what_is_missing_or_damaged_is_made_again(model, table, tmp_path, undisturbed) -> None:
    folder = tmp_path / "out"
    shards(model, job(table, folder))
    (folder / "part-00003.jsonl").unlink()
    with (folder / "part-00007.jsonl").open("ab") as file:
        file.write(b"x")
    write(folder / ".part-00003.jsonl.abc.new", "left by a process that was killed")
    with (folder / "manifest.jsonl").open("ab") as file:
        file.write(b'{"shard": 4, "sta')
    assert shards(model, job(table, folder)).there_before == 18
    assert digests(folder) == undisturbed
    assert shards(model, job(table, folder)).there_before == 20


def test_another_job_is_refused(model: Lengths, table: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    shards(model, job(table, folder))
    other = write(tmp_path / "other.csv", table.read_bytes().replace(b"cat", b"cow"))
    for changed, made in {
        "input": job(other, folder),
        "shard_rows": job(table, folder, rows=51),
        "output_format": job(table, folder, format="csv"),
        "min_confidence": job(table, folder, min_confidence=0.5),
    }.items():
        with pytest.raises(RequestError, match=f"holds shards of another job: {changed} changed since"):
            shards(model, made)
    write(model.path / "weights", "2")
    with pytest.raises(RequestError, match="model changed since"):
        shards(model, job(table, folder))
    write(model.path / "weights", "1")
    copied = write(tmp_path / "copy.csv", table.read_bytes())
    assert shards(model, job(copied, folder)).there_before == 20


def test_a_folder_of_other_files_is_left_alone(model: Lengths, table: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="holds other files"):
        shards(model, job(table, tmp_path))
    with pytest.raises(RequestError, match="is a file, and shards need a folder"):
        shards(model, job(table, table))


def test_strict_stops_at_the_shard_and_says_so_in_the_manifest(model: Lengths, table: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with pytest.raises(DataError, match=r"in\.csv:122: 1 column here"):
        shards(model, job(table, folder, strict=True))
    assert [file.name for file in sorted(folder.glob("*part*"))] == ["part-00000.jsonl", "part-00001.jsonl"]
    last = json.loads((folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert (last["shard"], last["state"]) == (2, "failed")
    assert "1 column here" in last["reason"]


def test_strict_stops_at_bad_rows_that_were_set_apart_before(
    model: Lengths, table: Path, tmp_path: Path, undisturbed: dict[str, str]
) -> None:
    folder = tmp_path / "out"
    shards(model, job(table, folder))
    with pytest.raises(DataError, match=r"in\.csv:122: 1 column here"):
        shards(model, job(table, folder, strict=True))
    assert digests(folder) == undisturbed
    assert shards(model, job(table, folder)).there_before == 20  # what was done without it stays done


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_bad_rows_that_are_missing_or_damaged_are_listed_again(
    model: Lengths, table: Path, tmp_path: Path, undisturbed: dict[str, str], damage: str
) -> None:
    folder = tmp_path / "out"
    shards(model, job(table, folder))
    bad = folder / "bad-00002.jsonl"
    assert bad.name in undisturbed
    bad.unlink() if damage == "missing" else write(bad, "{}\n")
    done = shards(model, job(table, folder))
    assert (done.there_before, done.bad) == (19, 2)
    assert digests(folder) == undisturbed


def test_a_manifest_without_digests_of_bad_rows_is_gone_on_with(model: Lengths, table: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    shards(model, job(table, folder))
    entries = [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    assert sum("bad_sha256" in entry for entry in entries) == 2
    lines = [{name: value for name, value in entry.items() if name != "bad_sha256"} for entry in entries]
    write(folder / "manifest.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    assert shards(model, job(table, folder)).there_before == 20


def test_every_shard_of_csv_has_the_same_header(model: Lengths, table: Path, tmp_path: Path) -> None:
    blank = write(tmp_path / "blank.csv", table.read_bytes() + b"9,\n" * ROWS * 2)
    shards(model, job(blank, tmp_path / "out", format="csv.gz"))
    parts = list((tmp_path / "out").glob("part-*.csv.gz"))
    heads = {gzip.decompress(part.read_bytes()).split(b"\n")[0].decode() for part in parts}
    assert len(parts) == 22
    assert heads == {"id,text,label,score,scores"}


def test_the_first_entry_of_a_manifest_that_was_cut_off_is_written_again(tmp_path: Path) -> None:
    write(tmp_path / "manifest.jsonl", '{"format": 1, "jo')
    manifest = Manifest(tmp_path, {"input": "a"}, Part())
    manifest.add(ShardEntry(0, "done", "part-00000.jsonl", 1, 0, "abc"))
    assert [*Manifest(tmp_path, {"input": "a"}, Part(2, 3)).entries] == [0]
    assert manifest.finished(0, strict=False) is None


@pytest.mark.parametrize(
    "line",
    [b"5", b"[]", b'{"shard": "3"}', b'{"shard": 3, "state": "done", "file": 7}', b'{"new": 1}', b"\xff\xfe", b""],
)
def test_a_damaged_line_of_a_manifest_costs_its_shard_only(
    model: Lengths, table: Path, tmp_path: Path, undisturbed: dict[str, str], line: bytes
) -> None:
    folder = tmp_path / "out"
    shards(model, job(table, folder))
    lines = (folder / "manifest.jsonl").read_bytes().split(b"\n")
    write(folder / "manifest.jsonl", b"\n".join([*lines[:4], line, *lines[5:]]))
    assert shards(model, job(table, folder)).there_before == 19
    assert digests(folder) == undisturbed


def test_a_manifest_without_its_first_line_is_refused_and_an_empty_one_begun_anew(
    model: Lengths, table: Path, tmp_path: Path, undisturbed: dict[str, str]
) -> None:
    folder = tmp_path / "out"
    shards(model, job(table, folder))
    content = (folder / "manifest.jsonl").read_bytes()
    write(folder / "manifest.jsonl", content[5:])
    with pytest.raises(RequestError, match="damaged in its first line or of another version"):
        shards(model, job(table, folder))
    write(folder / "manifest.jsonl", b"")
    assert shards(model, job(table, folder)).there_before == 0
    assert digests(folder) == undisturbed


@pytest.mark.parametrize("text", ["3", "0/4", "5/4", "a/b", "1/0", "-1/3"])
def test_parts_that_are_none(text: str) -> None:
    with pytest.raises(RequestError, match="is not a part; the third of sixteen parts is 3/16"):
        Part.parse(text)


# killed


def test_a_run_predicts_the_same_alone_in_shards_and_in_parts(loaded: Any, table: Path, tmp_path: Path) -> None:
    shards(loaded, job(table, tmp_path / "whole", rows=1000))
    shards(loaded, job(table, tmp_path / "small", rows=70), "1/2")
    shards(loaded, job(table, tmp_path / "small", rows=70), "2/2")

    def rows(folder: str) -> list[Any]:
        parts = sorted((tmp_path / folder).glob("part-*"))
        return [json.loads(line) for part in parts for line in part.read_text(encoding="utf-8").splitlines()]

    whole, small = rows("whole"), rows("small")
    assert [(row["id"], row["label"]) for row in whole] == [(row["id"], row["label"]) for row in small]
    for row, other in zip(whole, small, strict=True):
        assert row["score"] == pytest.approx(other["score"], abs=1.1e-4)  # rounded to four digits


def test_killed_twice_the_bytes_are_those_of_an_undisturbed_run(loaded: Any, table: Path, tmp_path: Path) -> None:
    shards(loaded, job(table, tmp_path / "undisturbed"))
    folder, generator = tmp_path / "killed", random.Random(1)
    kills = 0
    for wanted in (3, 11):
        child = multiprocessing.get_context("fork").Process(target=shards, args=(loaded, job(table, folder)))
        child.start()
        while child.is_alive() and len(list(folder.glob("part-*"))) < wanted:
            time.sleep(0.001)
        time.sleep(generator.random() * 0.02)
        os.kill(child.pid or 0, signal.SIGKILL)
        child.join()
        kills += child.exitcode == -signal.SIGKILL
        assert len(list(folder.glob("part-*"))) < 20
    assert kills == 2
    done = shards(loaded, job(table, folder))
    assert 11 <= done.there_before < 20
    assert digests(folder) == digests(tmp_path / "undisturbed")


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_killed_at_ten_random_moments_every_restart_goes_on(finished: Path, table: Path, tmp_path: Path) -> None:
    """Through the command line."""
    words = [sys.executable, "-m", "taskzoo", "predict", finished, "--input", table, "--shard-rows", str(ROWS)]
    subprocess.run([*words, "--output", f"{tmp_path / 'undisturbed'}/"], check=True, capture_output=True)
    folder, generator = tmp_path / "killed", random.Random(7)
    for wanted in sorted(generator.sample(range(19), 10)):
        child = subprocess.Popen([*words, "--output", f"{folder}/"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while len(list(folder.glob("part-*"))) < wanted:
            assert child.poll() is None
            time.sleep(0.001)
        time.sleep(generator.random() * (0.03 if wanted else 10))  # before the first shard also while it loads
        child.kill()
        child.communicate()
        assert child.returncode == -signal.SIGKILL
    done = subprocess.run([*words, "--output", f"{folder}/"], check=True, capture_output=True, text=True)
    assert "993 predictions written to 20 shards, " in done.stderr
    assert digests(folder) == digests(tmp_path / "undisturbed")

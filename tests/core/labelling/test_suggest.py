"""``zoo suggest``: doubtful rows of a pool, each once, none that the run has."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.core.runs.kit import WORDS, read_lines, write_csv, zoo


def test_rows_are_new_and_keep_their_columns(run: Path, pool: Path, tmp_path: Path) -> None:
    made = zoo("suggest", run, "--input", pool, "--count", 6, "--output", tmp_path / "next.jsonl", "--quiet")
    assert made.code == 0, made.err
    rows = read_lines(tmp_path / "next.jsonl")
    assert [row["rank"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert all(10 <= row["id"] < 160 for row in rows)  # neither known nor repeated nor blank
    given = {row["id"]: row["text"] for row in read_lines(pool)}
    assert all(row["text"] == given[row["id"]] for row in rows)
    assert all("%" in row["reason"] for row in rows)
    assert "6 of 163 rows of the pool (left out: 10 known to the run, 2 repeated, 1 blank)" in made.err


def test_what_is_left_out_is_said_and_the_same_seed_chooses_the_same(run: Path, pool: Path) -> None:
    first, again = (zoo("suggest", run, "--input", pool, "--count", 5, "--quiet") for _ in range(2))
    assert "5 of 163 rows of the pool (left out: 10 known to the run, 2 repeated, 1 blank)" in first.err
    assert first.out == again.out
    assert first.out.count("\n") == 6


def test_a_pool_that_is_smaller_gives_all_that_is_left(run: Path, pool: Path, tmp_path: Path) -> None:
    made = zoo("suggest", run, "--input", pool, "--count", 500, "--output", tmp_path / "all.csv", "--quiet")
    assert made.code == 0
    assert "only 150 rows are left to label, and 500 were asked for" in made.err
    assert len((tmp_path / "all.csv").read_text(encoding="utf-8").splitlines()) == 151


def test_rows_are_named_apart_from_the_columns_of_the_pool(run: Path, tmp_path: Path) -> None:
    pool = write_csv(tmp_path / "p.csv", [{"text": f"the wet cat {i} soup", "rank": i} for i in range(4)])
    rows = zoo("suggest", run, "--input", pool, "--count", 2, "--json", "--quiet").json
    assert [row["suggestion_rank"] for row in rows] == [1, 2]
    assert all(row["text"] == f"the wet cat {row['rank']} soup" for row in rows)


def test_rows_go_to_a_labelling_tool_with_what_is_predicted(run: Path, pool: Path, tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    made = zoo("suggest", run, "--input", pool, "--count", 3, "--to", "label-studio", "--output", path, "--quiet")
    assert made.code == 0, made.err
    tasks = json.loads(path.read_text(encoding="utf-8"))
    assert len(tasks) == 3
    assert all(task["data"]["text"] in {row["text"] for row in read_lines(pool)} for task in tasks)
    assert all(task["predictions"] for task in tasks)
    place = {row["text"]: row["id"] for row in read_lines(pool)[10:160]}
    assert all(task["data"]["id"] == place[task["data"]["text"]] for task in tasks)
    choices = ElementTree.parse(path.with_suffix(".xml")).getroot().iter("Choice")
    assert {choice.get("value") for choice in choices} == set(WORDS)  # those of the run, whatever is predicted


def test_bad_requests_are_one_sentence(run: Path, wrong: tuple[Path, set[int]], tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    mine = tmp_path / "mine.xml"
    mine.write_text("text\na wet cat\n")
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "export.json").write_text("{}")
    cases = [
        ([run, "--input", wrong[0]], "have a text that the run has already"),
        ([run, "--input", tmp_path / "empty.jsonl"], "empty"),
        ([run, "--input", tmp_path / "other.csv"], "text"),
        ([run, "--input", tmp_path / "gone.csv"], "no such file"),
        ([tmp_path / "none", "--input", wrong[0]], "none"),
        ([run, "--input", wrong[0], "--output", tmp_path / "no" / "f.csv"], "does not exist"),
        ([run, "--input", mine, "--output", mine], "would overwrite"),
        ([run, "--input", mine, "--output", tmp_path / "mine.json", "--to", "label-studio"], "is there already"),
        ([run, "--input", wrong[0], "--output", run / "metrics.json"], "is inside the run"),
    ]
    for arguments, said in cases:
        made = zoo("suggest", *arguments, "--quiet")
        assert made.code == 2, (arguments, made.err)
        assert said in made.err, made.err
        assert "Traceback" not in made.err
    assert mine.read_text() == "text\na wet cat\n"


def test_rows_that_the_run_has_cannot_be_left_out_without_its_data(run: Path, pool: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(run / "model", tmp_path / "model")
    made = zoo("suggest", tmp_path / "model", "--input", pool, "--count", 3, "--json", "--quiet")
    assert made.code == 0, made.err
    assert "rows that the run has already are not left out" in made.err
    assert len(json.loads(made.out)) == 3


@pytest.mark.slow
def test_entities_and_numbers_have_suggestions(encoder: Path, tmp_path: Path) -> None:
    from tests.core.runs.kit import sentences, write_conll

    train = write_conll(tmp_path / "train.conll", sentences(60, 1))
    settings = ("--model", encoder, "--precision", "fp32", "--set", "max_steps=20", "--no-baseline", "--quiet")
    assert zoo("run", "ner", "--train", train, *settings, "--output", tmp_path / "ner").code == 0
    pool = write_conll(tmp_path / "pool.conll", sentences(40, 2))
    rows = zoo("suggest", tmp_path / "ner", "--input", pool, "--count", 4, "--json", "--quiet")
    assert rows.code == 0, rows.err
    assert len(rows.json) == 4
    numbers = [{"text": f"the {'wet ' * (i % 5)}cat {i}", "label": i % 5 / 2 + i / 1000} for i in range(80)]
    path = write_csv(tmp_path / "numbers.csv", numbers)
    made = zoo("run", "sentiment", "--train", path, "--method", "linear-probe", *settings, "--output", tmp_path / "n")
    assert made.code == 0, made.err
    pool = write_csv(tmp_path / "n.csv", [{"text": f"an old dog {i} {'fog ' * (i % 7)}"} for i in range(30)])
    rows = zoo("suggest", tmp_path / "n", "--input", pool, "--count", 4, "--json", "--quiet")
    assert rows.code == 0, rows.err
    assert {row["reason"] for row in rows.json} == {"unlike the training rows"}

"""``zoo audit`` as a person uses it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.core.comparison.kit import NER, head, label_run, write, write_run
from tests.core.report.kit import Page
from tests.core.runs.kit import zoo

ROWS = 1200


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that is right in 9 of 10 rows, and in 6 of 10 of those from the north."""
    folder = tmp_path_factory.mktemp("audited")
    chance = np.random.default_rng(0)
    gold = chance.choice(["bad", "good"], size=ROWS)
    region = chance.choice(["north", "south", "west", "east"], size=ROWS)
    wrong = chance.random(ROWS) < np.where(region == "north", 0.4, 0.1)
    given = np.where(wrong, np.where(gold == "bad", "good", "bad"), gold)
    run = label_run(folder / "run", gold.tolist(), given.tolist(), labels=("bad", "good"))
    rows = [
        {"text": f"text {i}", "label": str(label), "region": str(where), "number": i}
        for i, (label, where) in enumerate(zip(gold, region, strict=True))
    ]
    (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return run


@pytest.fixture(scope="session")
def file(planted: Path) -> Path:
    return planted.parent / "test.jsonl"


def slices(run: Path, file: Path, *more: object) -> Any:
    return zoo("audit", run, "--only", "slices", "--by", "region", "--data", file, *more)


def test_the_gap_is_the_first_thing_said_and_sets_the_exit_code(planted: Path, file: Path) -> None:
    done = slices(planted, file)
    assert done.code == 0
    first, *rest = done.out.splitlines()
    assert first.startswith("1,200 test rows of classification, share of right answers 0.8")
    [line] = [line for line in rest[:4] if line.startswith("  region = north: share of right answers 0.")]
    assert "lower by 0." in line
    assert "What this audit cannot see:" in rest
    assert any(
        re.search(r"With a probability of 80% a slice of \d+ rows shows a gap of 0\.\d+, one of \d+ rows a gap", line)
        for line in rest
    )
    beyond = slices(planted, file, "--max-gap", 0.1)
    assert beyond.code == 1
    assert "with the whole interval above 0.1: region" in beyond.out.splitlines()[-1]
    within = slices(planted, file, "--max-gap", 0.5)
    assert within.code == 0
    assert within.out.splitlines()[-1] == "No gap that is more than chance has its whole interval above 0.5."


def test_json_has_all_numbers(planted: Path, file: Path, tmp_path: Path) -> None:
    output = tmp_path / "audit.json"
    assert slices(planted, file, "--output", output, "--max-gap", 0.1).code == 1
    found = json.loads(output.read_text(encoding="utf-8"))
    [gap] = [one for one in found["found"] if one["part"] == "slices"]
    given = [json.loads(line) for line in (planted / "predictions.jsonl").read_text().splitlines()]
    where = [json.loads(line)["region"] == "north" for line in file.read_text().splitlines()]
    right = np.array([row["label"] == row["reference"]["label"] for row in given])
    inside = np.array(where)
    assert gap["gap"] == pytest.approx(right[~inside].mean() - right[inside].mean())
    assert gap["rows"] == [inside.sum(), (~inside).sum()]
    assert gap["about"] in found["exceeding"]
    assert found["comparisons"] == sum(section["comparisons"] for section in found["sections"])
    assert found["cannot_see"]


def test_the_page_is_one_file_that_loads_nothing(planted: Path, file: Path, tmp_path: Path) -> None:
    output = tmp_path / "audit.html"
    assert slices(planted, file, "--output", output).code == 0
    page = Page(output.read_text(encoding="utf-8"))
    assert page.rows("Slices")["region = north"][0] == "share of right answers"
    assert "What this audit cannot see" in page.html
    assert not page.attributes("src")
    assert len(page.ids) == len(set(page.ids))


def test_rows_that_changed_are_counted_and_other_files_refused(planted: Path, file: Path, tmp_path: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    changed = tmp_path / "changed.jsonl"
    changed.write_text("".join(line.replace('"text ', '"another text ') for line in lines[:100]) + "".join(lines[100:]))
    assert "100 of 1,200 test rows are not in the file" in slices(planted, changed).out
    changed.write_text("".join(line.replace('"text ', '"another text ') for line in lines))
    done = slices(planted, changed)
    assert done.code == 2
    assert "its texts have changed" in done.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--by", "regio", "--data", "FILE"], "(nearest: 'region')"),
        (["--by", "region"], "the configuration names none"),
        (["--data", "FILE"], "--data is the file with the columns of --by"),
        (["--only", "slice"], "Did you mean 'slices'?"),
        (["--rows", "0"], "--rows 0 must be 1 or more"),
        (["--max-gap", "5"], "--max-gap 5 must be 0 or more and below 1"),
        (["--format", "pdf"], "There are text, html, json."),
        (["--only", "pairs", "--groups", "none.yaml"], "--groups 'none.yaml' cannot be read"),
        (["--groups", "FILE"], "--groups is for pairs, and --only slices leaves them out"),
        (["--rows", "7"], "--rows is for perturbations, and --only slices leaves them out"),
        (["--seed", "7"], "--seed is for perturbations"),
        (["--only", "perturbations,pairs", "--by", "region"], "--by is for slices, and --only perturbations,pairs"),
        (["--output", "no/such/folder/x.html"], "no/such"),
    ],
)
def test_a_wrong_request_is_one_sentence(planted: Path, file: Path, arguments: list[str], says: str) -> None:
    done = zoo("audit", planted, "--only", "slices", *(str(file) if one == "FILE" else one for one in arguments))
    assert done.code == 2
    assert says in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_a_column_that_is_named_twice_is_one(planted: Path, file: Path) -> None:
    once, twice = slices(planted, file), slices(planted, file, "--by", "region,region")
    assert (twice.code, twice.out) == (0, once.out)


def test_repeated_texts_have_the_values_of_their_own_answer(tmp_path: Path) -> None:
    gold = ["good", "bad"] * 60
    rows = [{"text": "ok then", "label": "good", "reference": {"label": label}} for label in gold]
    run, file = write_run(tmp_path / "run", "classification", rows, head(("bad", "good"))), tmp_path / "rows.csv"
    order = "".join(f"ok then,{label},{where}\n" for label, where in [("good", "n")] * 60 + [("bad", "s")] * 60)
    file.write_text(f"text,label,region\n{order}", encoding="utf-8")
    done = slices(run, file)
    assert "region = s: share of right answers 0.000, 1.000 elsewhere" in done.out
    assert "several times" not in done.out
    file.write_text(f"text,label,region\n{order}".replace("good,n", "good,s", 1), encoding="utf-8")
    assert "60 of 120 test rows are several times in the file with the columns" in slices(run, file).out


def test_rows_whose_language_cannot_be_told_are_counted(tmp_path: Path) -> None:
    run = label_run(tmp_path / "run", ["good"], ["good"], labels=("bad", "good"))
    assert "The language of 1 row cannot be told" in zoo("audit", run, "--only", "slices").out


def test_a_column_of_many_values_and_few_or_empty_rows(planted: Path, file: Path, tmp_path: Path) -> None:
    done = zoo("audit", planted, "--only", "slices", "--by", "number", "--data", file)
    assert done.code == 0
    assert "number has 1,200 values" in done.out
    one = label_run(tmp_path / "one", ["good"], ["bad"], labels=("bad", "good"))
    done = zoo("audit", one, "--only", "slices")
    assert done.code == 0
    assert "1 test row of classification" in done.out
    assert "Nothing was compared." in done.out.splitlines()[0]
    gate = zoo("audit", one, "--only", "slices", "--max-gap", 0).out.splitlines()[-1]
    assert gate == "Nothing was compared, so nothing can be said of gaps above 0."
    empty = write_run(
        tmp_path / "ner",
        "ner",
        [{"text": "", "tokens": [], "tags": [], "entities": [], "reference": {"tags": [], "entities": []}}],
        NER,
    )
    done = zoo("audit", empty, "--only", "slices")
    assert done.code == 0
    assert "1 test row of ner" in done.out


def test_runs_that_cannot_be_audited(planted: Path, tmp_path: Path) -> None:
    assert "There is no run" in zoo("audit", tmp_path / "none").err
    no_rows = label_run(tmp_path / "untested", ["good"], ["good"], labels=("bad", "good"))
    (no_rows / "predictions.jsonl").unlink()
    done = zoo("audit", no_rows)
    assert done.code == 2
    assert "has no predictions.jsonl" in done.err
    strange = label_run(tmp_path / "strange", ["good"], ["good"], labels=("bad", "good"))
    saved = json.loads((strange / "model" / "task.json").read_text())
    saved["task"] |= {"name": "zoo-other/other", "distribution": "zoo-other"}
    write(strange / "model" / "task.json", saved)
    done = zoo("audit", strange)
    assert done.code == 1
    assert "zoo-other is not installed" in done.err


def test_a_trained_model_is_asked_about_changed_texts_and_pairs(memorised: Any, tmp_path: Path) -> None:
    run = memorised()
    output, groups = tmp_path / "audit.json", tmp_path / "groups.yaml"
    groups.write_text(
        "templates: ['{x} slept.', 'We met {x}.', 'It was {x} who won.']\n"
        "dimensions: {names: {first: [Ada, Kim], second: [Noor]}, words: {one: [a cat], two: [a dog]}}\n"
        "names: [names]\n"
    )
    asked = ["--only", "perturbations,pairs", "--rows", 12, "--groups", groups]
    done = zoo("audit", run.path, *asked, "--output", output, "--quiet")
    assert done.code == 0, done.err
    found = json.loads(output.read_text(encoding="utf-8"))
    changed, pairs = found["sections"]
    spaces = next(one for one in changed["changes"] if one["name"] == "double spaces")
    assert spaces["rows"] <= 12
    assert spaces["ci95"][0] <= spaces["value"] <= spaces["ci95"][1]
    assert {gap["of"] for gap in pairs["gaps"]} == {"the name is found as an entity"}

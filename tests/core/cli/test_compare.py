"""``zoo compare``: a table, a sentence, the rows that changed sides; bad requests are one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.core.comparison.kit import LABELS, answers, gold_labels, head, label_rows, label_run, write_run
from tests.core.runs.kit import zoo

from taskzoo.comparison import compare as module


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``good``, ``poor`` and ``third``."""
    folder, gold = tmp_path_factory.mktemp("runs"), gold_labels(120)
    for seed, (name, share) in enumerate((("good", 0.9), ("poor", 0.5), ("third", 0.55))):
        label_run(folder / name, gold, answers(gold, share, seed))
    return folder


@pytest.fixture(autouse=True)
def _few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.compare, "__kwdefaults__", {"samples": 100})


def test_two_runs(runs: Path, tmp_path: Path) -> None:
    result = zoo("compare", runs / "good", runs / "poor", "--rows", tmp_path / "rows.jsonl")
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    assert lines[0] == "120 common test rows of classification"
    assert lines[2:4] == ["A  good", "B  poor"]
    table = [line.split() for line in lines if line.startswith(("SCORE", "f1_macro"))]
    assert table[0] == ["SCORE", "A", "B", "A", "-", "B", "[95%]", "P"]
    found = zoo("compare", runs / "good", runs / "poor", "--json").json
    (pair,) = found["pairs"]
    one = pair["differences"]["f1_macro"]
    assert table[1][1:4] == [f"{one['first']:.3f}", f"{one['second']:.3f}", f"{one['difference']:+.3f}"]
    assert pair["verdict"] in lines
    sides = pair["sides"]
    assert f"Rows: {sides['both']} both right, {sides['only_first']} only good" in result.out
    assert sum(line.startswith("  good: text ") for line in lines) == 3
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) == sum(pair["changed"].values())
    assert sum(row["better"] == "good" for row in rows) == pair["changed"]["first"] == sides["only_first"]
    assert rows[0]["text"].startswith("text ")
    assert rows[0]["outputs"][0]["label"] in LABELS
    assert f"{len(rows)} rows written" in result.err


def test_three_runs(runs: Path) -> None:
    result = zoo("compare", runs / "good", runs / "poor", runs / "third")
    assert result.code == 0, result.err
    assert "P (HOLM)" in result.out
    assert [line.split()[:3] for line in result.out.splitlines() if line.startswith(("A -", "B -"))] == [
        ["A", "-", "B"],
        ["A", "-", "C"],
        ["B", "-", "C"],
    ]
    assert "good is better than poor by" in result.out
    assert "cannot tell poor and third apart" in result.out


def test_what_differs_is_said(runs: Path, tmp_path: Path) -> None:
    gold = gold_labels(120)
    part = write_run(tmp_path / "part", "classification", label_rows(gold, gold)[:50], head(LABELS))
    result = zoo("compare", runs / "good", part)
    assert result.out.startswith(
        "The test rows differ: 50 rows are compared that all have in common, of 120 (good) and"
    )


def test_control_characters_stay_visible(tmp_path: Path) -> None:
    rows = [{"text": f"a\x1b[31m{i}", "label": "good", "reference": {"label": "good"}} for i in range(3)]
    a = write_run(tmp_path / "a", "classification", rows, head(LABELS))
    b = write_run(tmp_path / "b", "classification", [{**row, "label": "bad"} for row in rows], head(LABELS))
    result = zoo("compare", a, b)
    assert "\x1b" not in result.out
    assert "  a: a" in result.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["good"], "at least two runs"),
        (["good", "good"], "named twice"),
        (["good", "none"], "There is no run"),
        (["good", "poor", "--rows", "none/rows.jsonl"], "does not exist"),
    ],
)
def test_bad_requests(runs: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str) -> None:
    monkeypatch.chdir(runs)
    before = sorted(runs.rglob("*"))
    result = zoo("compare", *words)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert len(result.err.splitlines()) == 1
    assert sorted(runs.rglob("*")) == before


@pytest.mark.parametrize("option", ["--rows", "--output"])
def test_the_files_of_a_run_are_not_replaced(option: str, runs: Path) -> None:
    file = runs / "good" / "predictions.jsonl"
    before = file.read_bytes()
    result = zoo("compare", runs / "good", runs / "poor", option, file)
    assert result.code == 2
    assert f"{option} '{file}' is inside the run '{runs / 'good'}'" in result.err
    assert file.read_bytes() == before


def test_rows_and_page_in_one_file(tmp_path: Path, runs: Path) -> None:
    result = zoo("compare", runs / "good", runs / "poor", "--rows", tmp_path / "x", "--output", tmp_path / "x")
    assert (result.code, (tmp_path / "x").exists()) == (2, False)
    assert "name two" in result.err

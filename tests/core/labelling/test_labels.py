"""``zoo labels``: wrong labels that were planted are found, and bad requests are refused."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from tests.core.labelling.conftest import clear_rows
from tests.core.runs.kit import sentences, write_conll, write_csv, zoo


@pytest.fixture(scope="module")
def report(encoder: Path, wrong: tuple[Path, set[int]]) -> Any:
    made = zoo("labels", "classification", "--train", wrong[0], "--model", encoder, "--json", "--count", 8)
    assert made.code == 0, made.err
    return made.json


def test_planted_labels_come_first_and_are_counted(report: Any, wrong: tuple[Path, set[int]]) -> None:
    first = {suspect["line"] for suspect in report["suspects"][: len(wrong[1])]}
    assert len(first & wrong[1]) >= len(wrong[1]) - 1
    assert report["wrong_ci95"][0] <= len(wrong[1]) <= report["wrong_ci95"][1]
    assert report["wrong"] == pytest.approx(len(wrong[1]), abs=6)


def test_what_is_likely_is_the_label_that_was_there(report: Any, wrong: tuple[Path, set[int]]) -> None:
    before = {line: row["label"] for line, row in enumerate(clear_rows(260, 1), 2)}
    found = [suspect for suspect in report["suspects"] if suspect["line"] in wrong[1]]
    assert found
    assert all(suspect["likely"] == before[suspect["line"]] for suspect in found)


def test_estimates_have_intervals(report: Any) -> None:
    assert report["unit"] == "label"
    for one in report["precision_at"].values():
        low, high = one["precision_ci95"]
        assert 0 <= low <= one["precision"] <= high <= 1


def test_a_run_is_judged_by_its_base_model_on_all_its_rows(
    run: Path, report: Any, wrong: tuple[Path, set[int]], tmp_path: Path
) -> None:
    before = wrong[0].read_bytes()
    made = zoo("labels", run, "--count", 8, "--output", tmp_path / "list.csv")
    assert made.code == 0, made.err
    assert made.out.startswith("About ")
    assert "95% interval" in made.out
    with (tmp_path / "list.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["line"]) for row in rows] == [suspect["line"] for suspect in report["suspects"]]
    assert [float(row["chance"]) for row in rows] == sorted((float(row["chance"]) for row in rows), reverse=True)
    assert rows[0].keys() >= {"rank", "chance", "file", "line", "text", "given", "likely"}
    assert wrong[0].read_bytes() == before


@pytest.fixture(scope="module")
def odd(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, str]], str, Any]:
    """Rows of which the fourth is the only one of its label, and the last repeats the first with another label."""
    rows = [{"text": row["text"], "label": row["label"]} for row in clear_rows(80, 2)]
    other = "rain" if rows[0]["label"] != "rain" else "food"
    rows[3]["label"] = "single"
    rows.append({"text": f"{rows[0]['text'].upper()}!", "label": other})
    path = write_csv(tmp_path_factory.mktemp("odd") / "odd.csv", rows)
    made = zoo("labels", "classification", "--train", path, "--model", encoder, "--json", "--folds", 3)
    assert made.code == 0, made.err
    return rows, other, made.json


def test_near_duplicates_with_different_labels_stand_apart(odd: tuple[list[dict[str, str]], str, Any]) -> None:
    rows, other, report = odd
    first = report["near_duplicates"][0]
    assert first["similarity"] == 1.0
    assert {(row["line"], row["label"]) for row in first["rows"]} >= {(2, rows[0]["label"]), (len(rows) + 1, other)}


def test_the_only_row_of_a_label_is_not_judged(odd: tuple[list[dict[str, str]], str, Any]) -> None:
    rows, _, report = odd
    assert report["labels"] == len(rows) - 1
    assert report["notes"] == ["1 not checked: the only rows of their label, which no other row can check"]


def test_entities_that_were_dropped_or_renamed_are_among_the_first(encoder: Path, tmp_path: Path) -> None:
    rows = sentences(120, 4)
    with_names = [i for i, (_, tags) in enumerate(rows) if sum(tag != "O" for tag in tags) == 2][:4]
    for number, i in enumerate(with_names):
        place = next(at for at, tag in enumerate(rows[i][1]) if tag != "O")
        rows[i][1][place] = "O" if number % 2 else "B-LOC" if rows[i][1][place] != "B-LOC" else "B-PER"
    path = write_conll(tmp_path / "wrong.conll", rows)
    made = zoo("labels", "ner", "--train", path, "--model", encoder, "--json", "--count", 12, "--folds", 3)
    assert made.code == 0, made.err
    texts = {" ".join(rows[i][0]) for i in with_names}
    found = {suspect["text"] for suspect in made.json["suspects"] if suspect["problem"]}
    assert made.json["unit"] == "entity"
    assert len(found & texts) >= 3


REFUSED = {
    "few": ("fewer --folds or more rows", lambda folder: write_csv(folder / "f.csv", clear_rows(9, 1)[:3])),
    "one class": (
        "there is nothing to learn",
        lambda folder: write_csv(folder / "f.csv", [{**row, "label": "food"} for row in clear_rows(30, 1)]),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_rows_that_cannot_be_checked_are_refused(case: str, encoder: Path, tmp_path: Path) -> None:
    said, make = REFUSED[case]
    made = zoo("labels", "classification", "--train", make(tmp_path), "--model", encoder)
    assert made.code == 2
    assert said in made.err
    assert len(made.err) < 520


def test_bad_requests_are_one_sentence(run: Path, wrong: tuple[Path, set[int]], tmp_path: Path) -> None:
    export = tmp_path / "export"
    export.mkdir()
    (export / "export.json").write_text("{}")
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("manifest.json", "config.yaml"):
        moved.joinpath(name).write_text(run.joinpath(name).read_text().replace(wrong[0].name, "gone.csv"))
    cases = [
        (["classification"], "Give --train FILE or --data NAME"),
        (["translation", "--data", "demo"], "generates texts"),
        ([tmp_path], "is not a finished run"),
        ([export], "is an export"),
        ([moved], "are not there any more"),
        ([run, "--output", tmp_path], "is a folder"),
        ([run, "--to", "prodigy"], "--output FILE"),
        ([run, "--to", "paper", "--output", tmp_path / "f"], "labelling tool"),
        (["classification", "--train", wrong[0], "--model", "scratch:bert-tiny"], "starts untrained"),
    ]
    for arguments, said in cases:
        made = zoo("labels", *arguments)
        assert made.code == 2, (arguments, made.err)
        assert said in made.err, made.err
        assert "Traceback" not in made.err

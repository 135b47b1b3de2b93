"""``zoo labels``: wrong labels that were planted are found, and bad requests are refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from tests.core.labelling.conftest import clear_rows
from tests.core.runs.kit import sentences, write_conll, write_csv, zoo

from taskzoo.labelling.label_plan import LabelRequest, make_label_plan
from taskzoo.labelling.out_of_fold import _folds
from taskzoo.runs.request import DataRequest


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
    assert report["notes"] == [
        "1 not checked: their label occurs in one fold only, whose rows cannot check one another"
    ]


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


def test_rows_on_one_line_are_told_apart(encoder: Path, tmp_path: Path) -> None:
    rows = clear_rows(60, 4)
    train, output = tmp_path / "rows.json", tmp_path / "tasks.json"
    train.write_text(json.dumps(rows))
    options = ("--train", train, "--model", encoder, "--folds", 2, "--count", 5)
    made = zoo("labels", "classification", *options, "--to", "label-studio", "--output", output)
    assert made.code == 0, made.err
    texts = [task["data"]["text"] for task in json.loads(output.read_text())]
    assert len(set(texts)) == len(texts) == 5
    assert set(texts) <= {row["text"] for row in rows}


def test_rows_of_a_group_are_in_one_fold_wherever_they_stand(tmp_path: Path) -> None:
    rows = [{**row, "group": f"g{i // 4}"} for i, row in enumerate(clear_rows(60, 4))]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    write_csv(tmp_path / "rows.csv", rows)
    for name in ("rows.json", "rows.csv"):
        data = DataRequest(train=str(tmp_path / name), group_by="group")
        plan = make_label_plan(LabelRequest("classification", data))
        found = _folds(plan, plan.splits.examples["train"], 3)
        of_group = [set(found[start : start + 4].tolist()) for start in range(0, len(rows), 4)]
        assert [len(folds) for folds in of_group] == [1] * len(of_group), name
        assert len(set.union(*of_group)) == 3, name


def test_settings_are_used_for_a_run_too(run: Path) -> None:
    plan = make_label_plan(LabelRequest(str(run), settings={"seed": 7, "max_length": 9}))
    assert (plan.config.training.seed, plan.config.options["max_length"]) == (7, 9)
    before = make_label_plan(LabelRequest(str(run)))
    assert before.config.options["max_length"] != 9
    made = zoo("labels", run, "--set", "nonsense=3")
    assert made.code == 2
    assert "nonsense" in made.err


def test_what_is_read_is_not_overwritten(
    run: Path, encoder: Path, wrong: tuple[Path, set[int]], tmp_path: Path
) -> None:
    rows = wrong[0].read_bytes()
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "train.csv").write_bytes(rows)
    link = tmp_path / "link.csv"
    link.symlink_to(wrong[0])
    cases = [
        (["classification", "--train", wrong[0], "--output", wrong[0]], "would overwrite"),
        (["classification", "--train", wrong[0], "--output", link], "would overwrite"),
        (["classification", "--data", folder, "--output", folder / "train.csv"], "would overwrite"),
        ([run, "--output", wrong[0]], "would overwrite"),
        ([run, "--output", run / "list.csv"], "is inside the run"),
        ([run, "--to", "label-studio", "--output", tmp_path / "tasks.xml"], "labelling configuration"),
    ]
    for arguments, said in cases:
        made = zoo("labels", *arguments)
        assert made.code == 2, (arguments, made.err)
        assert said in made.err, made.err
    assert wrong[0].read_bytes() == (folder / "train.csv").read_bytes() == rows
    assert not (run / "list.csv").exists()


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

"""``zoo runs``: what is listed of runs that are finished, unfinished and damaged, in which order, and how fast."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from tests.core.comparison.kit import answers, gold_labels, label_run, write

from taskzoo.runs.listing import list_runs

from .kit import zoo


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """``good``, ``poor`` and ``deep/best`` on the same rows, ``other`` on others."""
    gold = gold_labels(40)
    for name, share in (("good", 0.8), ("poor", 0.3), ("deep/best", 1.0), ("other", 0.9)):
        label_run(tmp_path / name, gold, answers(gold, share, 1))
    change(tmp_path / "other", data={"test": {"source": "new.csv", "rows": 40, "sha256": "other"}})
    return tmp_path


def change(run: Path, **facts: Any) -> None:
    manifest = json.loads((run / "manifest.json").read_text())
    write(run / "manifest.json", {**manifest, **facts})


def test_runs_on_the_same_rows_are_together_the_best_first(folder: Path) -> None:
    found, unreadable = list_runs(folder)
    assert unreadable == []
    assert [run.name for run in found] == ["other", "deep/best", "good", "poor"]
    best = found[1]
    assert (best.status, best.task, best.model, best.method) == ("finished", "classification", "bert", "full")
    assert (best.metric, best.score, best.rows, best.data) == ("f1_macro", 1.0, 40, "test.csv")
    assert best.started == "2026-11-28T10:00:00+00:00"
    assert best.data_id == found[2].data_id != found[0].data_id


def test_lower_is_better_where_it_is(tmp_path: Path) -> None:
    from tests.core.comparison.kit import NUMBERS, write_run

    for name, off in (("near", 0.1), ("far", 1.0)):
        rows = [{"text": f"{i}", "value": i + off, "reference": {"value": i}} for i in range(9)]
        write_run(tmp_path / name, "sentiment", rows, NUMBERS)
    assert [run.name for run in list_runs(tmp_path)[0]] == ["near", "far"]


def test_unfinished_and_damaged_runs_are_listed_as_such(folder: Path) -> None:
    change(folder / "poor", status="stopped")
    (folder / "good" / "metrics.json").unlink()
    (folder / "other" / "manifest.json").write_text("{", encoding="utf-8")
    (folder / "nothing").mkdir()
    (folder / "nothing" / "file").touch()
    found = {run.name: run for run in list_runs(folder)[0]}
    assert set(found) == {"deep/best", "poor", "good", "other"}
    assert (found["poor"].status, found["poor"].note) == ("unfinished", "stopped")
    assert (found["good"].status, found["good"].note) == ("damaged", "there is no metrics.json")
    assert found["other"].status == "damaged"
    assert "it is not JSON" in found["other"].note
    shutil.rmtree(folder / "deep" / "best" / "model")
    assert {run.name: run.status for run in list_runs(folder)[0]}["deep/best"] == "damaged"


def test_several_seeds_and_folds_are_one_line(folder: Path) -> None:
    several = folder / "several"
    several.mkdir()
    (folder / "good").rename(several / "seed-1")
    (folder / "poor").rename(several / "seed-2")
    runs = [{"directory": f"seed-{i}", "seed": i, "metrics": None} for i in (1, 2)]
    write(several / "summary.json", {"kind": "seeds", "runs": runs, "config": {}})
    (one,) = (run for run in list_runs(folder)[0] if run.name == "several")
    assert (one.status, one.note, one.score) == ("unfinished", "0 of 2 seeds", None)
    done = [{**run, "metrics": {"f1_macro": 0.5}} for run in runs]
    facts = {"metric": "f1_macro", "scores": {"f1_macro": {"mean": 0.5, "ci95": [0.4, 0.6]}}}
    write(several / "summary.json", {"kind": "seeds", "runs": done, "config": {}, **facts})
    (one,) = (run for run in list_runs(folder)[0] if run.name == "several")
    assert (one.status, one.note, one.score, one.ci95) == ("finished", "2 seeds", 0.5, (0.4, 0.6))
    (several / "summary.json").write_text('{"kind": "seeds"}', encoding="utf-8")
    (one,) = (run for run in list_runs(folder)[0] if run.name == "several")
    assert (one.status, "damaged: 'runs' is missing" in one.note) == ("damaged", True)


def test_an_unreadable_folder_is_named_and_the_rest_is_listed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def scandir(path: Any) -> Any:
        if Path(path).name == "deep":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    result = zoo("runs", folder)
    assert result.code == 0
    assert f"'{folder}/deep' cannot be read (Permission denied)" in result.err
    assert "good" in result.out
    assert "best" not in result.out


def test_the_command(folder: Path) -> None:
    table = [line.split() for line in zoo("runs", folder).out.splitlines()]
    assert table[0] == ["NAME", "TASK", "MODEL", "METHOD", "DATA", "SCORE", "ROWS", "DATE", "STATUS"]
    assert table[2][:7] == ["deep/best", "classification", "bert", "full", "test.csv", "f1_macro", "1.000"]
    found = zoo("runs", folder, "--sort", "name", "--json").json
    assert [run["name"] for run in found] == ["deep/best", "good", "other", "poor"]
    assert found[0]["score"] == 1.0
    assert zoo("runs", folder, "--task", "ner").code == 2
    assert "'ner'" in zoo("runs", folder, "--task", "ner").err
    assert zoo("runs", folder, "--sort", "scores").code == 2
    missing = zoo("runs", folder / "none")
    assert (missing.code, "There is no folder" in missing.err) == (2, True)
    empty = zoo("runs", folder / "good" / "model")
    assert (empty.code, empty.out) == (0, "")
    assert "There are no runs in" in empty.err


def test_a_thousand_runs_in_two_seconds(folder: Path) -> None:
    for i in range(1000):
        shutil.copytree(folder / "good", folder / "many" / f"run-{i}", copy_function=os.link)
    list_runs(folder / "deep")  # imports the task
    began = time.process_time()
    found, _ = list_runs(folder / "many")
    assert len(found) == 1000
    assert time.process_time() - began < 2

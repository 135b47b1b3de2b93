"""Which runs a run has learnt from, through any number of others, and where that is looked up."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

import taskzoo
from taskzoo.errors import Interrupted, RequestError
from taskzoo.explanations.run_rows import read_split
from taskzoo.export.rows import measured_examples
from taskzoo.labelling.known_rows import plan_of_run
from taskzoo.runs import execute, learnt
from taskzoo.runs.data import Splits
from taskzoo.runs.earlier_run import read_earlier
from taskzoo.runs.finetune import Lines, resume
from taskzoo.runs.learnt import learnt_rows
from taskzoo.runs.old_rows import count_seen
from taskzoo.runs.plan import Plan, make_plan
from taskzoo.runs.request import DataRequest, RunRequest, resolve_request, resolve_saved

from .kit import read, text_rows, write_csv

SHORT = {"method": "full", "epochs": 1, "batch_size": 16, "precision": "fp32", "baseline": False}
GIVEN = 50
"""Training rows of the first run, which are given in memory, with as many test rows."""


@pytest.fixture(scope="module")
def first(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose rows were given in memory and whose folder was moved since."""
    folder = tmp_path_factory.mktemp("learnt")
    rows = {"train": text_rows(GIVEN, 1), "validation": [], "test": text_rows(GIVEN, 2)}
    values = {**SHORT, "method": "linear-probe"}
    taskzoo.finetune("classification", model=bert, **rows, output=folder / "made", **values)
    return (folder / "made").rename(folder / "first")


def changed(run: Path, training: dict[str, Any], manifest: dict[str, Any] | None = None, **more: Any) -> Path:
    """``run`` with other values in its configuration and manifest."""
    config = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    config = {**config, **more, "training": {**config["training"], **training}}
    (run / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    found = {**read(run / "manifest.json"), **(manifest or {})}
    (run / "manifest.json").write_text(json.dumps(found), encoding="utf-8")
    return run


def taught(path: Path, by: Path) -> Path:
    """A run at ``path`` with the files of ``by``, as if that had taught it, with rows of its own."""
    shutil.copytree(by, path)
    rows = write_csv(path.parent / f"{path.name}.csv", text_rows(20, 5))
    data = {"train": str(rows), "validation": "none", "test": "none"}
    digests = {"name": str(by), "sha256": read_earlier(by).describe()["model_files"]}
    return changed(path, {"teacher": str(by)}, {"teacher": digests, "data": {}}, data=data)


def student(folder: Path, teacher: Path, reporter: Any = None, **settings: Any) -> Plan:
    """A plan whose test rows are the training rows of the first run."""
    counted = settings.pop("counted", True)
    train = write_csv(folder / "train.csv", text_rows(40, 8))
    data = DataRequest(train=str(train), validation="none", test=str(write_csv(folder / "t.csv", text_rows(GIVEN, 1))))
    request = RunRequest("classification", "scratch:bert-tiny", data, {**SHORT, "teacher": str(teacher), **settings})
    return make_plan(resolve_request(request), reporter=reporter, counted=counted)


def test_a_run_with_rows_in_memory_is_resumed_where_it_lies_now(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    rows = {"train": text_rows(GIVEN, 1), "validation": [], "test": text_rows(GIVEN, 2)}
    with monkeypatch.context() as patch:
        patch.setattr(execute, "write_card", stop)
        with pytest.raises((Interrupted, KeyboardInterrupt)):
            taskzoo.finetune("classification", model=bert, **rows, output=tmp_path / "made", **SHORT)
    run = resume((tmp_path / "made").rename(tmp_path / "moved"))
    assert run.manifest["status"] == "finished"
    assert len(run.predictions) == GIVEN


def test_rows_that_were_given_in_memory_are_found_where_the_run_lies_now(first: Path, tmp_path: Path) -> None:
    splits = student(tmp_path, first).splits
    assert splits.overlap["teacher_train_test"]["count"] == GIVEN
    assert "teacher_rows_not_read" not in splits.made
    run = taskzoo.load(first)
    assert len(measured_examples(run, None)[0]) == len(read_split(run, "train")) == GIVEN
    known, why = plan_of_run(run)
    assert known is not None, why
    assert len(known.splits.examples["train"]) == GIVEN


def test_a_run_in_the_place_of_one_that_was_learnt_from_is_not_taken_for_it(first: Path, tmp_path: Path) -> None:
    before = Path(shutil.copytree(first, tmp_path / "before"))
    later = taught(tmp_path / "later", before)
    splits = student(tmp_path, later).splits
    assert splits.overlap["teacher_train_test"]["count"] == GIVEN
    assert "teacher_rows_not_read" not in splits.made

    files = read(before / "manifest.json")["model_files"]
    changed(before, {}, {"model_files": {**files, "model.safetensors": {"sha256": "0"}}})
    splits = student(tmp_path, later).splits
    said = "the run 'before', from which 'later' has learnt, "
    assert splits.made["teacher_rows_not_read"] == said + "was replaced since"
    assert "teacher_train_test" not in splits.overlap
    shutil.rmtree(before)
    assert student(tmp_path, later).splits.made["teacher_rows_not_read"] == said + "is not there any more"


def test_rows_of_a_run_further_back_that_changed_are_said_to_be_of_that_run(first: Path, tmp_path: Path) -> None:
    before = Path(shutil.copytree(first, tmp_path / "before"))
    later = taught(tmp_path / "later", before)
    with (before / "data" / "train.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"text": "one more", "label": "rain"}) + "\n")
    why = student(tmp_path, later).splits.made["teacher_rows_not_read"]
    assert why.startswith("of the run 'before': its train data")
    assert why.endswith("changed since it was made")


def test_each_run_is_read_once_however_many_ways_lead_to_it(
    first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [Path(shutil.copytree(first, tmp_path / "0"))]
    for number in range(1, 8):
        run = taught(tmp_path / str(number), runs[-1])
        runs.append(changed(run, {}, from_run=str(runs[-1])))
    seen: list[str] = []
    monkeypatch.setattr(learnt, "old_splits", lambda _, run, __: seen.append(run.path.name) or Splits({}))
    assert len(list(learnt_rows(None, read_earlier(runs[-1]), None))) == 8
    assert seen == [run.name for run in reversed(runs)]


def test_runs_that_name_each_other_are_read_once_each(
    first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (Path(shutil.copytree(first, tmp_path / name)) for name in ("one", "other"))
    changed(one, {"teacher": str(other)}, from_run=str(other))
    changed(other, {"teacher": str(one)}, from_run=str(one))
    monkeypatch.setattr(learnt, "old_splits", lambda *_: Splits({}))
    assert list(learnt_rows(None, read_earlier(one), None)) == [Splits({})] * 2
    assert [run.path for run in read_earlier(one).chain()] == [one, other]
    files = {"from": {"model_files": {"model.safetensors": "0"}}}
    assert [run.path for run in read_earlier(changed(one, {}, files)).chain()] == [one]


def test_a_run_that_was_made_when_more_was_allowed_is_read_and_resumed(first: Path, tmp_path: Path, bert: Path) -> None:
    resolved = resolve_request(RunRequest("classification", str(bert), DataRequest(), {**SHORT, "distill_share": 0.25}))
    with pytest.raises(RequestError, match=r"distill_share=0\.25 says how a teacher is learnt from"):
        make_plan(resolved)
    manifest = read(first / "manifest.json")
    again = resolve_saved(resolved.config, manifest)
    assert make_plan(again).config.training.distill_share == 0.25
    probe = replace(again, config=replace(again.config, training=replace(again.config.training, method="linear-probe")))
    assert make_plan(probe).splits

    training = replace(resolved.config.training, teacher=str(first))
    config = replace(resolved.config, data=replace(resolved.config.data, fold="1/2"), training=training)
    with pytest.raises(RequestError, match="is one model for all folds"):
        make_plan(replace(resolved, config=config))
    with pytest.raises(RequestError, match=r"lacks|also has"):  # what comes after it
        make_plan(resolve_saved(config, manifest))


def test_to_read_the_rows_of_a_run_its_teacher_need_not_be_there(first: Path, tmp_path: Path) -> None:
    run = taught(tmp_path / "run", Path(shutil.copytree(first, tmp_path / "teacher")))
    shutil.rmtree(tmp_path / "teacher")
    assert len(read_split(taskzoo.load(run), "train")) == 20
    known, why = plan_of_run(taskzoo.load(run))
    assert known is not None, why
    assert not [name for name in {**known.splits.overlap, **known.splits.made} if "teacher" in name]


def test_nothing_is_read_for_a_count_that_nobody_wants(
    first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learnt, "old_splits", lambda *_: pytest.fail("rows of the teacher were read"))
    assert "teacher_train_test" not in student(tmp_path, first, counted=False).splits.overlap


def test_what_is_said_of_rows_on_disk_is_of_the_own_rows(first: Path, tmp_path: Path) -> None:
    later, said = taught(tmp_path / "later", first), list[str]()
    changed(later, {"on_disk": True})
    splits = student(tmp_path, later, Lines(said.append), on_disk=True).splits
    assert [line.split()[:3] for line in said if line.startswith("rows")] == [
        ["rows", "train", "40"],
        ["rows", "test", f"{GIVEN}"],
    ]
    assert splits.overlap["teacher_train_test"]["count"] == GIVEN


def test_inputs_that_are_held_out_are_made_comparable_once() -> None:
    asked: list[str] = []
    task = SimpleNamespace(dedup_key=lambda text: asked.append(text) or (text, ""))
    ours = Splits({"train": ["a"], "validation": ["b", "c"], "test": ["d", "c", "d"]})
    theirs = Splits({"train": ["d", "b"], "validation": ["c"], "test": []})
    count_seen(ours, task, "old", iter([theirs, "gone", "further"]))
    assert sorted(asked[:5]) == ["b", "c", "c", "d", "d"]
    assert asked[5:] == ["d", "b", "c"]
    counts = {name: facts["count"] for name, facts in ours.overlap.items()}
    assert counts == {"old_train_test": 2, "old_train_validation": 1, "old_validation_test": 1}
    assert ours.made == {"old_rows_not_read": "gone"}

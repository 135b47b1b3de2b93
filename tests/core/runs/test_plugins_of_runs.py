"""A run is loaded by the plugin that made it, in any version that can read it; mistakes of plugins are told early."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.contract.whole_task import WholeTask

import taskzoo
from taskzoo import registry
from taskzoo.errors import Interrupted, PluginError, RequestError
from taskzoo.runs.execute import start
from taskzoo.runs.identity import check_learnt_alike
from taskzoo.runs.plan import make_plan
from taskzoo.runs.request import DataRequest, RunRequest, resolve_request

from .kit import read, write_csv, zoo

ROWS = [
    {"text": f"{word} {i}", "label": "food" if word == "soup" else "rain"} for i in range(9) for word in ("soup", "fog")
]
SHORT = {"method": "full", "baseline": False, "max_steps": 1, "precision": "fp32", "validation": [], "test": ROWS[:4]}
SOURCE = """
from taskzoo import Column, Option, Task, TaskSpec, hookimpl
from taskzoo.heads.text_options import TEXT_OPTIONS
from taskzoo.heads.text_task import TextTask
from taskzoo.heads.single_label import SingleLabelHead

SPEC = dict(
    id="vers", contract=2, kinds={kinds},
    columns={{"text": Column("a text", required=True), "label": Column("its label", required=True, target=True)}},
    options={{**TEXT_OPTIONS, {options}}},
)


class Vers(TextTask):
    spec = TaskSpec(**SPEC)
    state_version = {state_version}

    def read_labels(self, rows):
        return [row["label"] for row in rows]

    def fit_head(self, gold):
        return SingleLabelHead.fitted(gold, sorted(set(gold)), **self.loss_options)

{members}

@hookimpl
def taskzoo_register_tasks(register):
    register(TaskSpec(**SPEC, entry_point=f"{{__name__}}:Vers"))
"""


def source(**parts: Any) -> str:
    filled = {"kinds": ("encoder",), "options": "", "state_version": 1, "members": "", **parts}
    filled["members"] = "".join(f"    {line}\n" for line in filled["members"].splitlines())
    return SOURCE.format(**filled)


class Site:
    """A folder of installed distributions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, distribution: str, version: str, **parts: Any) -> None:
        self.remove(distribution)
        name = distribution.replace("-", "_")
        (self.folder / f"{name}.py").write_text(source(**parts), encoding="utf-8")
        info = self.folder / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[taskzoo]\nvers = {name}\n")
        self.refresh()

    def remove(self, distribution: str) -> None:
        name = distribution.replace("-", "_")
        for info in self.folder.glob(f"{name}-*.dist-info"):
            for file in info.iterdir():
                file.unlink()
            info.rmdir()
        (self.folder / f"{name}.py").unlink(missing_ok=True)
        self.refresh()

    def refresh(self) -> None:
        for name in [name for name in sys.modules if name.startswith("taskzoo_vers")]:
            del sys.modules[name]
        importlib.invalidate_caches()
        sys.path_importer_cache.pop(str(self.folder), None)
        registry.refresh()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    found = Site(folder)
    yield found
    monkeypatch.undo()
    found.refresh()


@pytest.fixture
def trained(site: Site, model: Path, tmp_path: Path) -> Path:
    """A run of taskzoo-vers 1.0, by the bare name of its task."""
    site.install("taskzoo-vers", "1.0")
    return taskzoo.finetune("vers", model=str(model), train=ROWS, output=tmp_path / "run", **SHORT).path


def test_a_run_keeps_its_task_in_full(trained: Path) -> None:
    saved = read(trained / "model" / "task.json")
    assert saved["format"] == 2
    assert saved["task"] == {
        "name": "taskzoo-vers/vers",
        "plugin": "vers",
        "distribution": "taskzoo-vers",
        "version": "1.0",
        "contract": 2,
        "state_version": 1,
    }
    assert saved["options"]["pooling"]
    assert "task: taskzoo-vers/vers" in (trained / "config.yaml").read_text(encoding="utf-8")


def test_another_distribution_is_never_asked_instead(trained: Path, site: Site) -> None:
    site.install("taskzoo-vers-other", "9.0")
    assert taskzoo.load(trained).predict("soup")["text"] == "soup"  # two offer the id, and the run knows whose it is
    site.remove("taskzoo-vers")
    with pytest.raises(PluginError, match=r"taskzoo-vers is not installed: pip install taskzoo-vers==1\.0"):
        taskzoo.load(trained)
    result = zoo("run", "--config", trained / "config.yaml", "--output", trained.parent / "again")
    assert (result.code, "pip install taskzoo-vers==1.0" in result.err) == (1, True)


def test_a_newer_version_fills_in_its_new_options_and_drops_old_ones(trained: Path, site: Site) -> None:
    before = taskzoo.load(trained).predict("soup 1")
    file = trained / "model" / "task.json"
    saved = read(file)
    file.write_text(json.dumps({**saved, "options": {**saved["options"], "gone": 3}}), encoding="utf-8")
    site.install("taskzoo-vers", "2.0", options="'fresh': Option(7, 'new in 2.0')")
    run = taskzoo.load(trained)
    assert run.task.options["fresh"] == 7
    assert "gone" not in run.task.options
    assert run.predict("soup 1") == before


MIGRATE = """
@classmethod
def migrate(cls, state, version):
    return {"head": state["head"], "from": version}
def state(self):
    return {**super().state(), "from": None}
def restore(self, state):
    self.migrated_from = state["from"]
    super().restore(state)
"""


def test_the_state_of_an_older_version_is_migrated(trained: Path, site: Site) -> None:
    site.install("taskzoo-vers", "2.0", state_version=2, members=MIGRATE)
    assert taskzoo.load(trained).task.migrated_from == 1


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"members": "def restore(self, state): state['label_set']"}, "which cannot load it"),
        ({"members": MIGRATE.replace('state["head"], ', 'state["heads"], '), "state_version": 2}, "KeyError: 'heads'"),
        ({"state_version": 0}, "which does not know its state"),
    ],
)
def test_a_version_that_cannot_read_the_run_says_which_can(
    trained: Path, site: Site, parts: dict[str, Any], said: str
) -> None:
    site.install("taskzoo-vers", "2.0", **parts)
    with pytest.raises(PluginError) as error:
        taskzoo.load(trained)
    assert "The run was made with taskzoo-vers 1.0, and 2.0 is installed" in str(error.value)
    assert said in str(error.value)
    assert str(error.value).endswith(": pip install taskzoo-vers==1.0.")


@pytest.mark.parametrize(("contract", "said"), [(1, "no longer reads"), (3, "upgrade taskzoo")])
def test_another_contract_is_named(trained: Path, contract: int, said: str) -> None:
    file = trained / "model" / "task.json"
    saved = read(file)
    saved["task"]["contract"] = contract
    file.write_text(json.dumps(saved), encoding="utf-8")
    with pytest.raises(PluginError, match=said):
        taskzoo.load(trained)


def test_a_run_of_contract_1_is_named(trained: Path) -> None:
    old = {"format": 1, "task": "ner", "provider": {"id": "ner"}, "contract": 1, "precision": "fp32", "state": {}}
    (trained / "model" / "task.json").write_text(json.dumps(old), encoding="utf-8")
    with pytest.raises(PluginError, match="made under contract 1"):
        taskzoo.load(trained)


# tasks without a package


def test_a_task_in_a_file_is_run_checked_and_loaded_again(model: Path, tmp_path: Path) -> None:
    file, data = tmp_path / "task.py", tmp_path / "data.jsonl"
    file.write_text(source(), encoding="utf-8")
    data.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    words = ["run", f"{file}:Vers", "--model", model, "--train", data, "--validation", "none", "--set", "max_steps=1"]
    result = zoo(*words, "--precision", "fp32", "--output", tmp_path / "run")
    assert result.code == 0, result.err
    assert f"task: {file}:Vers" in (tmp_path / "run" / "config.yaml").read_text(encoding="utf-8")
    assert zoo("predict", tmp_path / "run", "soup 1").code == 0
    file.unlink()
    result = zoo("predict", tmp_path / "run", "soup 1")
    assert (result.code, "taskzoo.load(RUN, task=YourTask)" in result.err) == (2, True)


def local_task(**parts: Any) -> Any:
    """The class in memory, as a notebook has it."""
    found: dict[str, Any] = {"__name__": "__main__"}
    exec(source(**parts), found)
    return found["Vers"]


def test_a_class_of_a_notebook_is_trained_and_loaded_with_the_class(model: Path, tmp_path: Path) -> None:
    task = local_task()
    run = taskzoo.finetune(task, model=str(model), train=ROWS, output=tmp_path / "run", **SHORT)
    assert taskzoo.load(run.path, task=task).predict("fog 2") == run.predict("fog 2")
    with pytest.raises(RequestError, match="task=YourTask"):
        taskzoo.load(run.path)


# models


def test_a_task_without_a_default_model_takes_none(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"names no default model; choose one with `model`.*kind encoder"):
        taskzoo.finetune(local_task(), train=ROWS, output=tmp_path / "run", **SHORT)
    assert not (tmp_path / "run").exists()


def test_a_model_of_another_kind_is_refused(model: Path, tmp_path: Path) -> None:
    task = local_task(kinds=("decoder",))
    with pytest.raises(RequestError, match=r"is of the kind encoder, and the task .* needs one of the kind decoder"):
        taskzoo.finetune(task, model=str(model), train=ROWS, output=tmp_path / "run", **SHORT)
    assert not (tmp_path / "run").exists()


# mistakes


BEFORE_TRAINING = {
    "no JSON": "def assemble(self, examples, parts): return [{'label': object()} for _ in examples]",
    "too few": "def assemble(self, examples, parts): return []",
    "loss": "def loss(self, outputs, batch, *, label_smoothing=0.0): return {}['x']",
    "references": "def references(self, examples): return [{'label': {1, 2}} for _ in examples]",
    "no dict": "def assemble(self, examples, parts): return ['rain' for _ in examples]",
    "a class": "def metrics(self): return [dict]",
    "state": "def state(self): return {'labels': {1, 2}}",
    "head": "def head(self, checkpoint, **loading): return object()",
}
SAID = {
    "no JSON": r"predictions or references of the task .* cannot be written as JSON",
    "too few": "assembled 0 predictions for 2 rows",
    "loss": r"failed in loss\(\): KeyError",
    "references": "Object of type set is not JSON serializable",
    "no dict": r"The assemble\(\) of the task .* gives 'rain'; a prediction is a dict",
    "a class": r"The metrics\(\) of the task .* gives <class 'dict'>; each must be an object",
    "state": r"The state\(\) of the task .* cannot be written as JSON",
    "head": r"The head\(\) of Vers gives object, no PreTrainedModel",
}


@pytest.mark.parametrize("mistake", BEFORE_TRAINING)
def test_a_mistake_of_a_plugin_is_told_before_anything_is_written(model: Path, tmp_path: Path, mistake: str) -> None:
    task = local_task(members=BEFORE_TRAINING[mistake])
    with pytest.raises(PluginError, match=SAID[mistake]):
        taskzoo.finetune(task, model=str(model), train=ROWS, output=tmp_path / "run", **SHORT)
    assert not (tmp_path / "run").exists()


def test_a_static_member_stays_one(model: Path, tmp_path: Path) -> None:
    members = "@staticmethod\ndef dedup_key(example): return example['text'], ''"
    task = local_task(members=members)
    run = taskzoo.finetune(task, model=str(model), train=ROWS, output=tmp_path / "run", **SHORT)
    assert run.task.dedup_key({"text": "fog"}) == ("fog", "")
    with pytest.raises(PluginError, match=r"The task \w+ of .* failed in dedup_key\(\): KeyError: 'text'"):
        run.task.dedup_key({})


def test_an_error_that_cannot_say_what_it_is_is_named() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    class Mute(WholeTask):
        def fit(self, examples: Any) -> None:
            raise MuteError

    with pytest.raises(PluginError, match=r"The task Mute of .* failed in fit\(\): MuteError$"):
        Mute({}).fit([])


def test_a_score_that_no_metric_gives_is_told_before_anything_is_written(model: Path, tmp_path: Path) -> None:
    class Wrong(WholeTask):
        primary_metric = "acc"

    with pytest.raises(
        PluginError, match=r"The primary_metric of the task .* is 'acc', and its metrics give accuracy\."
    ):
        taskzoo.finetune(Wrong, model=str(model), train=ROWS, output=tmp_path / "run", **SHORT)
    assert not (tmp_path / "run").exists()


class Several:
    """Stands for the processes of a run."""

    num_processes = 2


@pytest.mark.parametrize("other", ["a", "b"])
def test_processes_that_learnt_different_things_end(monkeypatch: pytest.MonkeyPatch, other: str) -> None:
    def gather(found: list[Any], value: Any) -> None:
        found[:] = [value, other]

    monkeypatch.setattr(torch.distributed, "all_gather_object", gather)
    entry = registry.task_entry("classification")
    with pytest.raises(PluginError, match="sort what it collects") if other == "b" else nullcontext():
        check_learnt_alike(entry, "a", Several())


def test_a_run_that_would_go_on_with_other_labels_is_refused(model: Path, tmp_path: Path) -> None:
    """As a task that numbers its labels by a set does in another process."""
    path = tmp_path / "run"
    file = write_csv(tmp_path / "train.csv", ROWS)
    request = RunRequest("classification", str(model), DataRequest(train=str(file)), {"method": "full"})
    with pytest.raises(Interrupted):
        start(make_plan(resolve_request(request)), path, stop=lambda: True)
    manifest = read(path / "manifest.json")
    (path / "manifest.json").write_text(json.dumps({**manifest, "learnt": "0"}), encoding="utf-8")
    result = zoo("resume", path)
    assert result.code == 2
    assert "What the task 'classification' (taskzoo " in result.err
    assert "learnt from the same rows changed since the run began" in result.err
    (path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert zoo("resume", path).code == 0


def test_a_mistake_after_training_is_in_the_manifest(model: Path, tmp_path: Path) -> None:
    task = local_task(members="def plain_use(self, saved): return 1 / 0")
    with pytest.raises(PluginError, match=r"failed in plain_use\(\): ZeroDivisionError"):
        taskzoo.finetune(task, model=str(model), train=ROWS, output=tmp_path / "run", **SHORT)
    manifest = read(tmp_path / "run" / "manifest.json")
    assert manifest["status"] == "failed"
    assert "ZeroDivisionError" in manifest["reason"]


@pytest.mark.parametrize(
    ("error", "status"),
    [(KeyboardInterrupt(), "stopped"), (Interrupted("Stopped."), "stopped"), (OSError("disk full"), "failed")],
)
def test_whatever_ends_a_run_is_in_its_manifest(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, status: str
) -> None:
    from taskzoo.runs import execute

    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(execute, "_evaluate", fail)
    with pytest.raises(type(error)):
        taskzoo.finetune("classification", model=str(model), train=ROWS, output=tmp_path / "run", **SHORT)
    assert read(tmp_path / "run" / "manifest.json")["status"] == status

"""What trackers are told equals ``history.jsonl``, also of a run that was stopped and resumed; none can stop a run."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import taskzoo
from taskzoo.engine import trackers
from taskzoo.errors import Interrupted, RequestError
from taskzoo.runs.execute import start
from taskzoo.runs.plan import make_plan
from taskzoo.runs.request import DataRequest, RunRequest, resolve_request

from .kit import read_lines, text_rows, write_csv

NAMES = [name for name in ("tensorboard", "wandb", "mlflow", "trackio", "swanlab") if find_spec(name)]
OFFLINE = {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "SWANLAB_MODE": "offline", "DO_NOT_TRACK": "1"}
SETTINGS = {"method": "full", "precision": "fp32", "batch_size": 8, "max_steps": 8, "log_every": 2, "evaluate_every": 4}
Values = list[tuple[str, int, float]]
"""Name, step and value of each number, in the order in which they were told."""


@pytest.fixture(scope="module")
def tracked(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run with all trackers that are installed, killed after step 7 as it were, and resumed from step 4."""
    folder = tmp_path_factory.mktemp("tracked")
    train, test = write_csv(folder / "train.csv", text_rows(40, 1)), write_csv(folder / "test.csv", text_rows(20, 2))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in OFFLINE.items():
            patch.setenv(name, value)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        patch.setenv("TRACKIO_DIR", str(folder / "trackio"))
        patch.chdir(folder)
        rows = DataRequest(train=str(train), test=str(test), columns={"text": "text", "label": "label"})
        request = RunRequest("classification", str(bert), rows, {**SETTINGS, "baseline": False}, track=NAMES)
        steps = 0

        def stop() -> bool:
            nonlocal steps
            steps += 1
            if steps == 8:
                raise KeyboardInterrupt  # no state is saved after this step
            return False

        with pytest.raises(Interrupted, match="the state after step 4 is saved"):
            start(make_plan(resolve_request(request)), folder / "run", stop=stop)
        taskzoo.resume(folder / "run")
        yield folder / "run"


def from_tensorboard(run: Path) -> Values:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0}).Reload()
    assert "learning_rate" in events.Tensors("settings/text_summary")[0].tensor_proto.string_val[0].decode()
    return [(tag, event.step, event.value) for tag in events.Tags()["scalars"] for event in events.Scalars(tag)]


def from_mlflow(run: Path) -> Values:
    from mlflow.tracking import MlflowClient

    client, identity = MlflowClient(f"sqlite:///{run.parent}/mlflow.db"), known_as("mlflow", run)
    found = client.get_run(identity)
    assert found.data.params["learning_rate"] == "0.0001"
    return [(m.key, m.step, m.value) for key in found.data.metrics for m in client.get_metric_history(identity, key)]


def from_trackio(run: Path) -> Values:
    from trackio.sqlite_storage import SQLiteStorage

    lines = SQLiteStorage.get_logs("taskzoo", f"run-{known_as('trackio', run)}")
    return [(k, line["step"], v) for line in lines for k, v in line.items() if k not in ("step", "timestamp")]


def from_wandb(run: Path) -> Values:
    from wandb.proto.wandb_internal_pb2 import Record

    found: Values = []
    for file in sorted(run.glob("wandb/offline-run-*/*.wandb")):
        assert file.stem == f"run-{known_as('wandb', run)}"
        for line in leveldb_lines(file):
            (record := Record()).ParseFromString(line)
            told = record.history if record.WhichOneof("record_type") == "history" else None
            for item in told.item if told else ():
                key = item.key or ".".join(item.nested_key)
                found += [] if key.startswith("_") else [(key, told.step.num, json.loads(item.value_json))]
    return found


def from_swanlab(run: Path) -> Values:
    from swanlab.proto.swanlab.record.v1.record_pb2 import Record

    found: Values = []
    for file in sorted(run.glob("swanlog/run-*/*.swanlab")):
        assert file.stem == f"run-{known_as('swanlab', run)}"
        for line in leveldb_lines(file):
            (record := Record()).ParseFromString(line)
            if record.HasField("scalar"):
                found.append((record.scalar.key, record.scalar.step, record.scalar.value.number))
    return found


def leveldb_lines(file: Path) -> Iterator[bytes]:
    """The records of a log in LevelDB's form behind a head of 7 bytes."""
    data, place, whole = file.read_bytes(), 7, b""
    while place + 7 <= len(data):
        left = 32768 - place % 32768
        _, length, kind = struct.unpack("<IHB", data[place : place + 7])
        if left < 7 or kind == 0:
            place += left
            continue
        whole, place = whole + data[place + 7 : place + 7 + length], place + 7 + length
        if kind in (1, 4):
            yield whole
            whole = b""


def known_as(name: str, run: Path) -> str:
    return str(json.loads((run / "trackers.json").read_text(encoding="utf-8"))[name]["id"])


READERS: dict[str, Callable[[Path], Values]] = {
    "tensorboard": from_tensorboard,
    "wandb": from_wandb,
    "mlflow": from_mlflow,
    "trackio": from_trackio,
    "swanlab": from_swanlab,
}


@pytest.mark.parametrize("name", READERS)
def test_what_a_tracker_has_equals_the_history(name: str, tracked: Path) -> None:
    if name not in NAMES:
        pytest.skip(f"{name} is not installed")
    found: dict[tuple[str, int], list[float]] = {}
    for key, step, value in READERS[name](tracked):
        found.setdefault((key, step), []).append(value)
    final = {key: value for (key, step), (value, *_) in found.items() if key.startswith("final") and step == 8}
    found = {key: values for key, values in found.items() if not key[0].startswith("final")}
    told = {
        (key, line["step"]): value
        for line in read_lines(tracked / "history.jsonl")
        for key, value in line.items()
        if key not in ("step", "tokens_per_second") and value is not None
    }
    assert {key for key in found if key[0] != "tokens_per_second"} == set(told)
    assert {step for _, step in told} == {2, 4, 6, 8}
    assert all(len(values) == 1 for values in found.values()), "no step is told twice"
    assert all(math.isclose(found[key][0], value, rel_tol=1e-6) for key, value in told.items())
    scores = json.loads((tracked / "metrics.json").read_text(encoding="utf-8"))
    for split in ("validation", "test"):
        assert final[f"final/{split}_f1_macro"] == pytest.approx(scores[split]["f1_macro"], rel=1e-6)


def test_no_paths_are_told() -> None:
    config = {
        "task": "taskzoo/ner",
        "model": "/data/bert",
        "options": {"labels": "/data/labels.txt", "head": "crf"},
        "training": {"epochs": 3.0, "mix_old": None},
        "data": {"train": "/data/train.csv"},
    }
    assert trackers._settings(config) == {
        "task": "ner",
        "model": "bert",
        "labels": "labels.txt",
        "head": "crf",
        "epochs": 3.0,
        "mix_old": "",
    }


def test_a_missing_package_is_refused_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trackers.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RequestError, match=r"--track wandb needs .* pip install 'taskzoo\[wandb\]'"):
        resolve_request(RunRequest("ner", "scratch:bert-tiny", track=["history", "wandb"]))


def test_one_that_fails_is_said_once_and_the_run_goes_on(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        calls = 0

        def start(self) -> None:
            pass

        def log(self, values: Any, step: int) -> None:
            Broken.calls += 1
            print("a line that is not a result")
            raise ConnectionError("no network")

    monkeypatch.setattr(trackers.TensorBoard, "start", lambda self, run, identity: Broken())
    monkeypatch.setattr(trackers.TensorBoard, "describe", lambda self, tracker, settings: None)
    monkeypatch.setattr(trackers.TensorBoard, "check", lambda: None)
    said: list[str] = []
    rows = [{"text": row["text"], "label": row["label"]} for row in text_rows(30, 1)]
    settings: dict[str, Any] = {**SETTINGS, "max_steps": 4}
    run = taskzoo.finetune(
        "classification",
        model=bert,
        train=rows,
        track=["tensorboard"],
        output=tmp_path / "run",
        reporter=said.append,
        **settings,
    )
    assert run.manifest["status"] == "finished"
    assert Broken.calls == 1
    assert [line for line in said if "ConnectionError" in line] == [
        "warning   the callback TensorBoard failed in step() and is dropped: ConnectionError: no network"
    ]

"""Runs from Python: what they take, give and leave alone."""

from __future__ import annotations

import inspect
import logging
import random
import signal
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import taskzoo
from taskzoo import Callback, registry
from taskzoo.config import TRAINING_FIELDS
from taskzoo.errors import RequestError
from taskzoo.registry.naming import ExtensionEntry
from taskzoo.spec import Extension

from .kit import read, read_lines, zoo

ROWS = [
    {"text": f"{word} {i}", "label": "food" if word == "soup" else "rain"}
    for i in range(12)
    for word in ("soup", "fog")
]
SHORT: dict[str, Any] = {"max_steps": 2, "precision": "fp32", "log_every": 1}


@pytest.fixture(scope="module")
def run(model: Path, tmp_path_factory: pytest.TempPathFactory) -> taskzoo.Run:
    path = tmp_path_factory.mktemp("notebook") / "run"
    data = {"train": ROWS, "validation": ROWS[:4], "test": ROWS[4:10]}
    return taskzoo.finetune("classification", model=model, **data, output=path, **SHORT)


def test_inputs_are_texts_mappings_or_several_of_them(run: taskzoo.Run) -> None:
    one = run.predict("soup 1")
    assert run.predict({"text": "soup 1"}) == one
    assert run.predict(["soup 1", {"text": "soup 1"}]) == [one, one]
    assert run.predict(text for text in ["soup 1"]) == [one]
    pair = run.predict({"text": "soup", "text_pair": "fog"})
    assert (pair["text"], pair["text_pair"]) == ("soup", "fog")
    assert run.predict([]) == []
    with pytest.raises(RequestError):
        run.predict(5)  # type: ignore[arg-type]
    with pytest.raises(RequestError):
        run.predict([{"title": "soup"}])


def test_mappings_on_the_command_line(run: taskzoo.Run) -> None:
    objects = ['{"text": "soup", "text_pair": "fog"}', '{"text": "rain"}']
    given = zoo("predict", run.path, "--json", *objects)
    assert given.code == 0, given.err
    assert zoo("predict", run.path, "--json", stdin="\n".join(objects) + "\n").out == given.out
    assert '"text_pair": "fog"' in given.out.splitlines()[0]
    for bad in ("soup", "[1]", '"soup"'):
        result = zoo("predict", run.path, "--json", objects[0], bad)
        assert (result.code, "input:2: this is not a JSON object" in result.err) == (2, True)


def test_a_run_gives_what_it_kept_as_lists_and_frames(run: taskzoo.Run) -> None:
    assert run.predictions == read_lines(run.path / "predictions.jsonl")
    assert list(run.predictions.to_frame()["label"]) == [row["label"] for row in run.predictions]
    assert [line["step"] for line in run.history if "loss" in line] == [1, 2]
    assert run.history.to_frame()["step"].tolist() == [line["step"] for line in run.history]
    assert run.manifest == read(run.path / "manifest.json")
    assert sum(run.confusion[r][p] for r in run.confusion for p in run.confusion[r]) == 6
    frame = run.confusion.to_frame()
    assert frame.to_numpy().sum() == 6
    assert frame.index.tolist() == frame.columns.tolist()


def test_a_run_says_what_it_is(run: taskzoo.Run) -> None:
    shown = repr(run)
    assert shown.startswith(f"<Run {str(run.path)!r}: classification, validation f1_macro ")
    assert len(shown) < 300


def test_a_run_without_labels_has_no_confusion_matrix(finished: Path) -> None:
    with pytest.raises(RequestError, match="one label each"):
        _ = taskzoo.load(finished).confusion


def test_settings_complete_and_are_in_the_signature() -> None:
    parameters = inspect.signature(taskzoo.finetune).parameters
    assert set(TRAINING_FIELDS) < set(parameters)
    assert list(parameters)[:3] == ["task", "model", "from_run"]
    assert list(parameters)[-1] == "settings"  # options of tasks
    assert str(parameters["epochs"]) == "epochs: 'float' = ..."
    completer = pytest.importorskip("IPython.core.completer")
    for text, offered in (
        ("taskzoo.finetune('ner', learning", "learning_rate="),
        ("taskzoo.registry.mod", "models"),
        ("taskzoo.com", "compare"),
    ):
        with completer.provisionalcompleter():
            found = list(completer.IPCompleter(namespace={"taskzoo": taskzoo}).completions(text, len(text)))
        assert any(completion.text.endswith(offered) for completion in found), (text, found)


def test_columns_are_a_mapping() -> None:
    with pytest.raises(RequestError, match=r"columns='text=body' must be a mapping, such as \{'text': 'body'\}"):
        taskzoo.finetune("classification", train=ROWS, columns="text=body")  # type: ignore[arg-type]


def test_a_reporter_may_be_a_function(model: Path, tmp_path: Path) -> None:
    said: list[str] = []
    taskzoo.finetune(
        "classification", model=str(model), train=ROWS, output=tmp_path / "run", reporter=said.append, **SHORT
    )
    assert any(line.startswith("data      train") for line in said)
    assert any(line.startswith("model     ") for line in said)


def test_the_demo_set_is_not_taken_in_silence(model: Path, tmp_path: Path) -> None:
    words = {"model": str(model), "output": tmp_path / "run", "shots": 1, **SHORT}
    with pytest.warns(UserWarning, match="using the built-in demo set of classification"):
        taskzoo.finetune("classification", **words)


def test_resume_is_public_and_refuses_what_is_finished(run: taskzoo.Run) -> None:
    with pytest.raises(RequestError, match="is finished; there is nothing to resume"):
        taskzoo.resume(run.path)


def test_nothing_of_the_caller_is_changed(model: Path, tmp_path: Path) -> None:
    from transformers.utils import logging as transformers_logging

    random.seed(1), np.random.seed(2), torch.manual_seed(3)

    def state() -> list[Any]:
        return [
            random.getstate(),
            np.random.get_state()[1].tolist(),  # type: ignore[index, union-attr]
            torch.get_rng_state().tolist(),
            signal.getsignal(signal.SIGINT),
            signal.getsignal(signal.SIGTERM),
            transformers_logging.get_verbosity(),
            transformers_logging.is_progress_bar_enabled(),
            list(warnings.filters),
            logging.getLogger().level,
            torch.nn.functional.dropout,
            torch.nn.functional.scaled_dot_product_attention,
            torch.get_num_threads(),
            torch.is_grad_enabled(),
        ]

    before = state()
    path = tmp_path / "run"
    run = taskzoo.finetune("classification", model=str(model), train=ROWS, output=path, **SHORT)
    taskzoo.load(path).evaluate(ROWS)
    run.predict("soup")
    assert state() == before


def test_two_trainings_at_once_are_refused_rather_than_mixed(model: Path, tmp_path: Path) -> None:
    from taskzoo.engine.random_state import seeded

    failed: list[BaseException] = []

    def train() -> None:
        try:
            taskzoo.finetune("classification", model=str(model), train=ROWS, output=tmp_path / "run", **SHORT)
        except BaseException as error:
            failed.append(error)

    with seeded(1):
        thread = threading.Thread(target=train)
        thread.start()
        thread.join()
    assert "Another training runs in this process" in str(failed[0])
    assert not (tmp_path / "run").exists()


# callbacks

EVENTS: list[str] = []


class Recorder(Callback):
    """Keeps the names of events."""

    def run_started(self, run: Any) -> None:
        assert (run.path / "manifest.json").is_file()
        assert run.manifest["status"] == "running"
        EVENTS.append("run_started")

    def step(self, values: Any) -> None:
        EVENTS.append("step")

    def finished(self, run: Any, metrics: Any) -> None:
        assert metrics["test"]["rows"] == 4
        EVENTS.append("finished")

    def failed(self, error: BaseException) -> None:
        EVENTS.append(f"failed {error}")


class Broken(Callback):
    """Fails at once, in every run."""

    always = True

    def __init__(self) -> None:
        raise ValueError("no account")


@pytest.fixture
def callbacks(monkeypatch: pytest.MonkeyPatch) -> None:
    EVENTS.clear()
    own = [
        ExtensionEntry(
            name, Extension(name, f"{__name__}:{cls.__name__}"), "mine", "taskzoo-mine", "1.0", kind="callback"
        )
        for name, cls in (("recorder", Recorder), ("broken", Broken))
    ]
    load = ExtensionEntry.load
    monkeypatch.setattr(
        ExtensionEntry, "load", lambda entry: {"recorder": Recorder, "broken": Broken}.get(entry.name) or load(entry)
    )
    known = list(registry.callbacks())
    monkeypatch.setattr("taskzoo.registry.callbacks", lambda: [*known, *own], raising=False)


def test_named_callbacks_are_told_and_one_that_fails_stops_nothing(
    callbacks: None, model: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    request: dict[str, Any] = {"model": str(model), "train": ROWS, "validation": [], "test": ROWS[:4], **SHORT}
    request["method"] = "full"
    taskzoo.finetune("classification", **request, output=tmp_path / "a", track=["recorder"], reporter=said.append)
    assert EVENTS == ["run_started", "step", "step", "finished"]
    assert any("The callback 'broken' of taskzoo-mine cannot be used and is left out" in line for line in said)
    assert "track:\n- recorder" in (tmp_path / "a" / "config.yaml").read_text(encoding="utf-8")
    EVENTS.clear()
    taskzoo.finetune("classification", **request, output=tmp_path / "b")
    assert EVENTS == []


def test_callbacks_are_told_of_a_failure(
    callbacks: None, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from taskzoo.runs import execute

    def fail(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(execute, "_save", fail)
    with pytest.raises(OSError, match="disk full"):
        taskzoo.finetune(
            "classification", model=str(model), train=ROWS, output=tmp_path / "run", track=["recorder"], **SHORT
        )
    assert EVENTS[-1] == "failed disk full"


def test_evaluate_modules_are_further_metrics(model: Path, tmp_path: Path) -> None:
    script = tmp_path / "letters" / "letters.py"
    script.parent.mkdir()
    script.write_text(MODULE, encoding="utf-8")
    run = taskzoo.finetune(
        "classification", model=str(model), train=ROWS, output=tmp_path / "run", evaluate_modules=str(script), **SHORT
    )
    assert run.metrics["test"]["same_labels"] == run.metrics["test"]["accuracy"]
    request = {"model": str(model), "train": ROWS, "evaluate_modules": "nowhere", **SHORT}
    with pytest.raises(RequestError, match="'nowhere' is Python code from the hub, which is not run without"):
        taskzoo.finetune("classification", **request)
    with pytest.raises(RequestError, match="'nowhere' cannot be loaded"):
        taskzoo.finetune("classification", **request, trust_remote_code=True)


MODULE = """
import datasets
import evaluate


class Letters(evaluate.Metric):
    def _info(self):
        features = {"predictions": datasets.Value("int64"), "references": datasets.Value("int64")}
        return evaluate.MetricInfo(description="", citation="", features=datasets.Features(features))

    def _compute(self, predictions, references):
        return {"same_labels": sum(p == r for p, r in zip(predictions, references)) / len(references)}
"""

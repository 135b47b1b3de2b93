"""Nothing that lies in the working directory is executed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from taskzoo.cli import processes
from taskzoo.errors import RequestError
from taskzoo.metrics.evaluate_modules import EvaluateMetric
from taskzoo.testing.checks.common import last_output

HOSTILE = ("numpy", "datasets", "torch", "typer", "yaml", "taskzoo_ner", "typing_extensions")


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder with modules that have the names of others, and say so when they are imported."""
    for name in HOSTILE:
        (tmp_path / f"{name}.py").write_text(f"open('ran-{name}', 'w')\nraise SystemExit(77)\n", encoding="utf-8")
    return tmp_path


def test_modules_of_the_working_directory_are_not_imported(hostile: Path) -> None:
    command = [sys.executable, "-m", "taskzoo", "tasks"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    environment.pop("PYTHONSAFEPATH", None)
    done = subprocess.run(command, cwd=hostile, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not list(hostile.glob("ran-*"))


def test_children_do_not_search_the_working_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []

    class Child:
        returncode = 0

        def __init__(self, command: list[str], **_: Any) -> None:
            started.append(command)

        def poll(self) -> int:
            return 0

    monkeypatch.setattr(processes.subprocess, "Popen", Child)
    monkeypatch.setattr(processes.signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit):
        processes.relaunch(2, ["run", "ner"], "run", output="run")
    assert [command[1:4] for command in started] == [["-P", "-m", "taskzoo"]] * 2


def test_the_processes_of_the_conformance_kit_do_not_either(hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(hostile)
    assert last_output(["-c", "import typing_extensions; print(1)"], "it was executed") == "1"
    assert not list(hostile.glob("ran-*"))


@pytest.mark.slow
def test_two_processes_in_a_hostile_directory(hostile: Path, tiny_checkpoint: Any) -> None:
    words = f"run ner --model {tiny_checkpoint()} --set max_steps=1 --processes 2 --output run --quiet"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-P", "-m", "taskzoo", *words.split()]
    done = subprocess.run(command, cwd=hostile, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not list(hostile.glob("ran-*"))


def test_a_metric_that_is_a_name_is_not_a_script_of_the_working_directory(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wer").mkdir()
    (tmp_path / "wer" / "wer.py").write_text("open('ran', 'w')", encoding="utf-8")
    with pytest.raises(RequestError, match=r"is a name of the hub, and a folder of that name .* name it './wer'"):
        _ = EvaluateMetric("wer").module
    assert not (tmp_path / "ran").exists()

"""Runs that torchrun, accelerate or MPI start: one writes and speaks, in one directory, and all end together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from torch import distributed

from taskzoo.engine import interrupt, launched
from taskzoo.engine.precision import make_accelerator
from taskzoo.errors import MachineError, RequestError
from taskzoo.runs import one_directory

from .kit import read, read_lines, text_rows, write_csv, zoo

NAMES = ("WORLD_SIZE", "RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
TORCHRUN = [sys.executable, "-m", "torch.distributed.run"]
STEPS = 12
DEADLINE = 250


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of a process that nobody launched; what is set in it is gone after the test."""
    left = {name: value for name, value in os.environ.items() if name not in NAMES}
    monkeypatch.setattr(os, "environ", left)
    return left


def test_a_process_that_nobody_launched(variables: dict[str, str]) -> None:
    variables["RANK"] = "3"  # as some environments for notebooks have it
    assert not launched.from_outside(2)
    assert launched.rank() == 0
    variables["WORLD_SIZE"] = "4"
    assert launched.from_outside()
    assert launched.from_outside(4)
    assert launched.rank() == 3


@pytest.mark.parametrize(
    ("asked", "found", "said"),
    [
        (3, {"WORLD_SIZE": "2"}, "--processes is 3, but the launcher of this process .* has started 2"),
        (None, {"WORLD_SIZE": "2", "ACCELERATE_USE_FSDP": "true"}, "accelerate asks for FSDP, which runs do not use"),
        (None, {"ACCELERATE_USE_CPU": "True", "MASTER_PORT": "29500"}, "only through MPI .*, so this would train in"),
        (None, {"OMPI_COMM_WORLD_SIZE": "2"}, "MPI has started 2 processes, but MASTER_ADDR does not say"),
    ],
)
def test_launchers_that_are_refused(asked: int | None, found: dict, said: str, variables: dict[str, str]) -> None:
    variables.update(found)
    with pytest.raises(RequestError, match=said):
        launched.from_outside(asked)


def test_mpi_says_the_same_by_other_names(variables: dict[str, str]) -> None:
    variables.update({"PMI_SIZE": "3", "PMI_RANK": "2", "MPI_LOCALRANKID": "1", "MASTER_ADDR": "127.0.0.1"})
    assert launched.from_outside(3)
    assert launched.rank() == 2
    assert variables["LOCAL_RANK"] == "1"


def test_what_accelerate_was_configured_to_do_is_left_to_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would divide losses by the steps to accumulate."""
    for name, value in {"GRADIENT_ACCUMULATION_STEPS": "4", "DYNAMO_BACKEND": "INDUCTOR"}.items():
        monkeypatch.setenv(f"ACCELERATE_{name}", value)
    accelerator = make_accelerator("fp32", cpu=True)
    assert accelerator.gradient_accumulation_steps == 1
    with accelerator.active():
        assert accelerator.state.dynamo_plugin.backend.value == "NO"


def test_a_machine_that_does_not_see_the_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All processes end with the same sentence, also those that do see it."""
    answers: list[Any] = []

    def gather(found: list[Any], own: Any) -> None:
        answers.append(own)
        found[:] = [None, "node2"]

    monkeypatch.setattr(one_directory, "PATIENCE", 0.2)
    monkeypatch.setattr(distributed, "all_gather_object", gather)
    accelerator: Any = SimpleNamespace(num_processes=2, wait_for_everyone=lambda: None)
    there, gone = tmp_path / "manifest.json", tmp_path / "other" / "manifest.json"
    there.touch()
    for file in (there, gone):
        with pytest.raises(MachineError, match=r"is not seen by node2: a run on several machines needs a folder on"):
            one_directory.check_shared(file, accelerator)
    assert answers == [None, os.uname().nodename]
    monkeypatch.setattr(distributed, "all_gather_object", lambda found, own: found.__setitem__(slice(None), [own] * 2))
    one_directory.check_shared(there, accelerator)


def test_signals_of_terminal_and_launcher_are_one(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    variables["WORLD_SIZE"] = "2"
    with interrupt.StopRequest() as stop:
        assert not stop()
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert stop()
        monkeypatch.setattr(interrupt, "TOGETHER", 0.0)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


@pytest.fixture(scope="module")
def request_(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The arguments of a run of a few seconds, without dropout; its paths are absolute."""
    from taskzoo.testing import make_tiny_checkpoint

    folder = tmp_path_factory.mktemp("launched")
    texts = [row["text"] for row in text_rows(200, 9)]
    model = make_tiny_checkpoint(folder / "m", "bert", texts, vocabulary=200, dropout=0.0)
    table = write_csv(folder / "rows.csv", text_rows(60, 1))
    words = f"--set max_steps={STEPS} --set log_every=1 --set evaluate_every=4 --batch-size 7 --method full"
    words += " --precision fp32 --no-baseline"
    return ["run", "classification", "--model", str(model), "--train", str(table), *words.split()]


def start(command: list[str], folder: Path, **variables: str) -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if name not in NAMES}
    environment |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", **variables}
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=folder, env=environment, **pipes)


def free_port() -> int:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def check_run(path: Path, whole: Path, processes: int) -> None:
    """Every row and every step is there once, and the run is that of one process."""
    assert read(path / "manifest.json")["status"] == "finished"
    assert read(path / "manifest.json")["processes"] == processes
    ones, others = (read_lines(run / "history.jsonl") for run in (whole, path))
    assert [line["step"] for line in others] == [line["step"] for line in ones]
    for one, other in zip(ones, others, strict=True):
        assert other.get("loss", 0) == pytest.approx(one.get("loss", 0), rel=1e-4)
    ones, others = (read_lines(run / "predictions.jsonl") for run in (whole, path))
    assert [(line["text"], line["label"]) for line in others] == [(line["text"], line["label"]) for line in ones]


@pytest.fixture(scope="module")
def whole(request_: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run in one process."""
    run = tmp_path_factory.mktemp("whole") / "run"
    assert zoo(*request_, "--output", run, "--quiet").code == 0
    return run


@pytest.mark.slow
def test_torchrun_on_two_machines(request_: list[str], whole: Path, tmp_path: Path) -> None:
    """Whose working directories differ; the run directory has no name, so the first process chooses one."""
    port = free_port()
    words = f"--nnodes 2 --nproc-per-node 1 --rdzv-backend c10d --rdzv-endpoint 127.0.0.1:{port} --rdzv-id {port}"
    folders = [tmp_path / f"node{number}" for number in range(2)]
    nodes = [start([*TORCHRUN, *words.split(), "-m", "taskzoo", *request_], folder) for folder in folders]
    said = [node.communicate(timeout=DEADLINE) for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], said
    written = [list(folder.rglob("manifest.json")) for folder in folders]
    first = 0 if written[0] else 1  # which machine has the first process is up to torchrun
    assert len(written[first]) == 1
    assert not list(folders[1 - first].iterdir())
    assert "SCORE" in said[first][0]
    assert not said[1 - first][0]
    assert "step" not in said[1 - first][1]
    check_run(written[first][0].parent, whole, 2)


@pytest.mark.slow
def test_accelerate_launch(request_: list[str], whole: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    command += ["--main_process_port", str(free_port()), "--gradient_accumulation_steps", "4", "--module", "taskzoo"]
    process = start([*command, *request_, "--output", "run"], tmp_path)
    out, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, errors
    assert out.count("SCORE") == 1
    assert errors.count(f"step {STEPS}/{STEPS}") == 1
    check_run(tmp_path / "run", whole, 2)


@pytest.mark.slow
def test_processes_of_mpi(request_: list[str], whole: Path, tmp_path: Path) -> None:
    """Started as Open MPI does: with its variables alone."""
    world = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "OMPI_COMM_WORLD_SIZE": "2"}
    command = [sys.executable, "-m", "taskzoo", *request_, "--output", "run"]
    names = ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_RANK")
    processes = [start(command, tmp_path, **world, **dict.fromkeys(names, str(rank))) for rank in range(2)]
    said = [process.communicate(timeout=DEADLINE) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert ["SCORE" in out for out, _ in said] == [True, False]
    check_run(tmp_path / "run", whole, 2)


@pytest.mark.slow
def test_a_killed_process_of_torchrun_ends_all(request_: list[str], tmp_path: Path) -> None:
    run = tmp_path / "run"
    settings = ["--set", "max_steps=20000", "--set", "checkpoint_every=2", "--set", "evaluate_every=20000"]
    command = [*TORCHRUN, "--standalone", "--nproc-per-node", "2", "-m", "taskzoo", *request_, *settings]
    process = start([*command, "--output", str(run)], tmp_path)
    deadline = time.monotonic() + 120
    while not (run / "checkpoints" / "before").is_dir():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    listed = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True).stdout
    os.kill(int(listed.split()[-1]), signal.SIGKILL)
    _, errors = process.communicate(timeout=90)
    assert process.returncode != 0
    assert "another process of it is gone. When that is solved, resume it with: zoo resume" in errors
    assert read(run / "manifest.json")["status"] == "stopped"

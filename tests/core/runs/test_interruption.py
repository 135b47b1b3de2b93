"""``zoo run`` stopped by a person, by a lost machine or by itself, and ``zoo resume``."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from taskzoo.config import RunConfig, read_config
from taskzoo.engine.checkpoint import TrainingState
from taskzoo.errors import MachineError, RequestError
from taskzoo.runs import directory, execute
from taskzoo.runs.directory import RunDirectory, new_run_path
from taskzoo.runs.plan import make_plan
from taskzoo.runs.request import resolve_saved

from .kit import digest, read, read_lines, sentences, write_conll, zoo

DEADLINE = 120.0
STEPS = 160
LONG = ["--set", "log_every=1", "--set", "evaluate_every=50", "--epochs", "20"]  # 8 steps an epoch


HEEDS_CTRL_C = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
runpy.run_module("taskzoo", run_name="__main__", alter_sys=True)
"""


def launch(arguments: list[object], output: Path, errors: Path) -> subprocess.Popen:
    """The command in a process of its own, which signals end even where the tests run in the background or by nohup."""
    command = [sys.executable, "-c", HEEDS_CTRL_C, *map(str, arguments), "--output", str(output)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    with errors.open("w", encoding="utf-8") as file:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=file, env=environment)


def signal_at(process: subprocess.Popen, run: Path, step: int, number: int) -> int:
    """Send the signal once the history tells of ``step``; the exit code."""
    deadline = time.monotonic() + DEADLINE
    while not (run / "history.jsonl").is_file() or (run / "history.jsonl").read_text().count('"loss"') < step:
        assert process.poll() is None, "it ended too early"
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.002)
    process.send_signal(number)
    return process.wait(DEADLINE)


def content(run: Path) -> tuple[str, dict, list]:
    """What must not depend on an interruption."""
    lines = read_lines(run / "history.jsonl")
    for line in lines:
        line.pop("tokens_per_second", None)
    return digest(run / "model" / "model.safetensors"), read(run / "metrics.json"), lines


@pytest.fixture(scope="module")
def whole(request_, tmp_path_factory) -> tuple[str, dict, list]:
    """The outcome of the long run without interruption."""
    run = tmp_path_factory.mktemp("whole") / "run"
    assert zoo(*request_, *LONG, "--output", run).code == 0
    return content(run)


@pytest.mark.slow
def test_interrupted_twice_and_resumed(request_, tmp_path, whole):
    run, errors = tmp_path / "run", tmp_path / "errors"
    code = signal_at(launch([*request_, *LONG], run, errors), run, 13, signal.SIGINT)
    message = errors.read_text(encoding="utf-8").splitlines()[-1]
    step = TrainingState(run / "checkpoints").saved_step()
    assert code == 130
    assert message == f"zoo: Stopped after step {step} of {STEPS}; the state is saved. Resume it with: zoo resume {run}"
    assert 13 <= step < STEPS
    assert step % 8, "by chance at the end of an epoch; the test wants the middle"
    assert read(run / "manifest.json")["status"] == "stopped"
    assert not (run / "model").exists()
    refused = zoo("predict", run, "x")
    assert (refused.code, f"zoo resume {run}" in refused.err) == (2, True)

    again = interrupt_again(run, after=step + 20)
    assert again.code == 130
    assert f"zoo resume {run}" in again.err
    assert f"Resuming after step {step} of {STEPS}" in again.err

    result = zoo("resume", run, "--json")
    assert result.code == 0, result.err
    assert content(run) == whole
    assert result.json["metrics"] == whole[1]
    assert read(run / "manifest.json")["status"] == "finished"
    assert not (run / "checkpoints").exists()
    refused = zoo("resume", run)
    assert (refused.code, "nothing to resume" in refused.err) == (2, True)


def interrupt_again(run: Path, after: int):
    """Resume in this process, and be interrupted by a signal once ``after`` steps are in the history."""
    from taskzoo.engine import progress

    class Impatient(progress.Silent):
        def say(self, message):
            print(message, file=sys.stderr)

        def bar(self, title, total):
            return super().bar(title, total) if title != "training" else Watching()

    class Watching:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def update(self, completed, note=""):
            if completed == after:
                signal.raise_signal(signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(progress, "Terminal", Impatient)
        return zoo("resume", run)


def test_killed_and_resumed(request_, tmp_path, whole):
    run, errors = tmp_path / "run", tmp_path / "errors"
    process = launch([*request_, *LONG, "--set", "checkpoint_every=1"], run, errors)
    assert signal_at(process, run, 21, signal.SIGKILL) == -signal.SIGKILL
    assert read(run / "manifest.json")["status"] == "running"
    result = zoo("resume", run)
    assert result.code == 0, result.err
    assert content(run) == whole


def stopped(request_, tmp_path, *more: object) -> Path:
    """A run that stopped by itself after a checkpoint."""
    run = tmp_path / "run"
    result = zoo(*request_, *more, "--set", "checkpoint_every=1", "--learning-rate", "1e30", "--output", run)
    assert result.code == 1, result.err
    return run


def test_a_loss_that_is_not_finite(request_, tmp_path):
    run = tmp_path / "run"
    result = zoo(*request_, "--set", "checkpoint_every=1", "--learning-rate", "1e30", "--output", run)
    assert result.code == 1
    assert result.out == ""
    message = result.err.splitlines()[-1]
    assert message.startswith("zoo: The loss or its gradient is not finite at step")
    assert re.search(
        r"at step \d+ \(rows train\.conll:\d+, (train\.conll:\d+, ){2}train\.conll:\d+ and 4 more\)", message
    )
    assert "checkpoint is kept. Lower learning_rate" in message
    assert "Traceback" not in result.err
    assert (run / "checkpoints" / "last" / "state.json").is_file()
    manifest = read(run / "manifest.json")
    assert manifest["status"] == "failed"
    assert "not finite" in manifest["reason"]


def test_changed_data_are_refused(request_, data, tmp_path):
    shutil.copytree(data, tmp_path / "data")
    request = [tmp_path / "data" if a == data else a for a in request_]
    run = stopped(request, tmp_path)
    before = digest(run / "manifest.json")
    write_conll(tmp_path / "data" / "train.conll", sentences(61, seed=77))
    result = zoo("resume", run)
    assert result.code == 2
    assert "The train data" in result.err
    assert "changed since the run began" in result.err
    assert digest(run / "manifest.json") == before
    (tmp_path / "data" / "train.conll").unlink()
    assert zoo("resume", run).code == 2


def test_a_changed_model_is_refused(request_, model, tmp_path):
    shutil.copytree(model, tmp_path / "bert")
    request = [tmp_path / "bert" if a == model else a for a in request_]
    run = stopped(request, tmp_path)
    with (tmp_path / "bert" / "model.safetensors").open("r+b") as file:
        file.seek(-4, os.SEEK_END)
        file.write(b"\x00\x00\x00\x3f")
    result = zoo("resume", run)
    assert result.code == 2
    assert "(model.safetensors) changed since the run began" in result.err


def test_a_changed_configuration_of_the_model_is_refused(request_, model, tmp_path):
    ours = shutil.copytree(model, tmp_path / "bert")
    run = stopped([ours if a == model else a for a in request_], tmp_path)
    config = read(ours / "config.json")
    (ours / "config.json").write_text(json.dumps(config | {"attention_probs_dropout_prob": 0.5}), encoding="utf-8")
    result = zoo("resume", run)
    assert result.code == 2
    assert "(config.json) changed since the run began" in result.err


def test_a_changed_teacher_is_refused(request_, finished, tmp_path):
    """Its digests are those of its manifest; that its weights have them is seen when they are loaded."""
    teacher = shutil.copytree(finished, tmp_path / "teacher")
    run = stopped(request_, tmp_path, "--set", f"teacher={teacher}")
    manifest = read(teacher / "manifest.json")
    manifest["model_files"]["model.safetensors"]["sha256"] = 64 * "0"
    (teacher / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    result = zoo("resume", run)
    assert result.code == 2
    assert "(model.safetensors) changed since the run began" in result.err


def test_changed_settings_are_refused_unless_forced(request_, tmp_path):
    run = stopped(request_, tmp_path)
    config = (run / "config.yaml").read_text(encoding="utf-8").replace("learning_rate: 1.0e+30", "learning_rate: 0.01")
    (run / "config.yaml").write_text(config, encoding="utf-8")
    result = zoo("resume", run)
    assert result.code == 2
    assert "Learning_rate (1e+30 is now 0.01)" in result.err
    assert "undo that, or start a new run (--force goes on nevertheless)" in result.err
    result = zoo("resume", run, "--force")
    assert "Learning_rate (1e+30 is now 0.01) changed since the run began; going on nevertheless" in result.err


@pytest.mark.slow
@pytest.mark.parametrize("batch", [["--batch-size", "7"], ["--batch-tokens", "90"]])
def test_two_processes_are_one(model, data, request_, tmp_path, batch):
    """61 rows in batches of 7 over two processes: odd shares, and a last step of 5; 13 test rows in one batch."""
    from taskzoo.testing import make_tiny_checkpoint

    texts = [" ".join(tokens) for tokens, _ in sentences(50, seed=9)]
    still = make_tiny_checkpoint(tmp_path / "bert", "bert", texts, vocabulary=200, dropout=0.0)
    request = [still if a == model else a for a in request_]
    at = request.index("--batch-size")
    request[at : at + 2] = batch
    request += ["--set", "micro_batch_size=3"]
    one, two = tmp_path / "one", tmp_path / "two"
    assert zoo(*request, "--output", one).code == 0
    errors = tmp_path / "errors"
    assert launch([*request, "--processes", 2], two, errors).wait(DEADLINE) == 0, errors.read_text(encoding="utf-8")
    assert read(two / "manifest.json")["processes"] == 2
    ones, twos = content(one)[2], content(two)[2]
    assert [line["step"] for line in ones] == [line["step"] for line in twos]
    for a, b in zip(ones, twos, strict=True):
        assert a.get("loss", 0) == pytest.approx(b.get("loss", 0), rel=1e-4)
        assert a.get("learning_rate") == b.get("learning_rate")
    assert len(read_lines(two / "predictions.jsonl")) == 13
    for split in ("validation", "test"):
        a, b = read(one / "metrics.json")[split], read(two / "metrics.json")[split]
        assert a["rows"] == b["rows"]
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-3)
        assert a["f1"] == pytest.approx(b["f1"], abs=0.05)


@pytest.mark.slow
def test_a_request_refused_by_two_processes_is_refused_once(model, request_, tmp_path):
    shutil.copytree(model, tmp_path / "bert", ignore=shutil.ignore_patterns("*.safetensors"))
    request = [tmp_path / "bert" if a == model else a for a in request_]
    errors = tmp_path / "errors"
    code = launch([*request, "--processes", 2], tmp_path / "run", errors).wait(DEADLINE)
    lines = errors.read_text(encoding="utf-8").splitlines()
    assert code == 2
    assert [line for line in lines if line.startswith("zoo: ")] == lines[-1:]
    assert not (tmp_path / "run").exists()


def test_a_run_that_is_going_on_is_not_resumed(request_, tmp_path):
    run = stopped(request_, tmp_path)
    before = (run / "history.jsonl").read_bytes()
    with RunDirectory(run).held():
        result = zoo("resume", run)
    assert result.code == 2
    assert f"The run {str(run)!r} is going on in another process" in result.err
    assert (run / "history.jsonl").read_bytes() == before


def test_a_run_killed_before_it_began_is_run_again(request_, finished, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    for name in (".lock", "manifest.json.new"):
        (run / name).write_text("", encoding="utf-8")
    shutil.copy(finished / "config.yaml", run)
    result = zoo("resume", run)
    assert result.code == 2
    assert "was stopped before it began; start it again: zoo run" in result.err
    assert zoo(*request_, "--set", "max_steps=1", "--output", run, "--quiet").code == 0
    assert not (run / "manifest.json.new").exists()
    assert not (run / ".lock").exists()


def test_a_run_that_was_finished_meanwhile_is_not_made_again(finished):
    before = (finished / "manifest.json").read_bytes()
    with pytest.raises(RequestError, match="finished meanwhile"), execute._unfinished(RunDirectory(finished)):
        pass
    assert (finished / "manifest.json").read_bytes() == before


@pytest.mark.parametrize("content", ["[]", "{}", '{"name": "a web app"}'])
def test_a_manifest_of_something_else(tmp_path, content):
    (tmp_path / "manifest.json").write_text(content, encoding="utf-8")
    result = zoo("resume", tmp_path)
    assert result.code == 2
    assert "is not a run directory: its manifest.json is not that of a run" in result.err


def test_a_start_that_fails_removes_nothing_of_another_run(finished, tmp_path, monkeypatch):
    """Two were started with one output; the second comes when the first is finished and the disk is full."""
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    before = {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}
    config = RunConfig.from_dict(read_config(run / "config.yaml"))
    plan = make_plan(resolve_saved(config, read(run / "manifest.json"), trust_remote_code=False))

    def full(file):
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(directory, "locked", full)
    with pytest.raises(MachineError, match="cannot be made"):
        execute.start(plan, run)
    assert {file: file.read_bytes() for file in run.rglob("*") if file.is_file()} == before
    with pytest.raises(MachineError, match="cannot be made"):
        execute.start(plan, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_rows_in_memory_of_a_run_that_was_killed_before_it_began(tmp_path):
    run = tmp_path / "run"
    (run / "data").mkdir(parents=True)
    (run / "data" / "train.jsonl").write_text("{}", encoding="utf-8")
    with pytest.raises(RequestError, match="exists already"):
        new_run_path(run, "ner", "minilm")  # may be anybody's
    (run / ".lock").touch()
    assert new_run_path(run, "ner", "minilm") == run
    (run / "data" / "notes.txt").touch()
    with pytest.raises(RequestError, match="exists already"):
        new_run_path(run, "ner", "minilm")


def test_finished_is_the_last_word(request_, tmp_path, monkeypatch):
    """Whatever is written last before it fails: the run can be resumed, and ends as it should."""
    run = tmp_path / "run"

    def fail(*_: object) -> None:
        assert read(run / "manifest.json")["status"] == "running"
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(execute, "write_card", fail)
        assert zoo(*request_, "--output", run, "--quiet").code == 130
    assert read(run / "manifest.json")["status"] == "stopped"
    assert zoo("resume", run, "--quiet").code == 0
    assert (run / "README.md").is_file()
    assert not (run / "checkpoints").exists()


def test_what_a_finished_run_could_not_remove_is_removed(finished, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    (run / "checkpoints" / "last").mkdir(parents=True)
    (run / ".lock").touch()
    result = zoo("resume", run)
    assert (result.code, "is finished; there is nothing to resume" in result.err) == (2, True)
    assert not (run / "checkpoints").exists()
    assert not (run / ".lock").exists()


def test_a_resumed_run_says_what_is_different(request_, tmp_path):
    run = stopped(request_, tmp_path)
    manifest = read(run / "manifest.json")
    (run / "manifest.json").write_text(json.dumps(manifest | {"precision": "bf16", "processes": 2}), encoding="utf-8")
    shutil.rmtree(run / "checkpoints")
    result = zoo("resume", run, "--processes", 1)
    assert "the run began with precision bf16 and goes on with fp32, so it will not end exactly" in result.err
    assert "the run was made by 2 processes so far and goes on with 1" in result.err
    assert "No state was saved before the run stopped; it starts from the beginning." in result.err


@pytest.mark.slow
def test_a_run_of_two_processes_is_resumed_in_two(request_, tmp_path):
    whole, run, errors = tmp_path / "whole", tmp_path / "run", tmp_path / "errors"
    request = [*request_, "--processes", 2, "--set", "checkpoint_every=1", "--epochs", 20]
    assert launch(request, whole, errors).wait(DEADLINE) == 0, errors.read_text(encoding="utf-8")
    assert signal_at(launch(request, run, errors), run, 3, signal.SIGHUP) == 130
    assert read(run / "manifest.json")["status"] == "stopped"
    command = [sys.executable, "-m", "taskzoo", "resume", str(run), "--quiet"]
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL)
    assert read(run / "manifest.json")["processes"] == 2
    assert content(run) == content(whole)

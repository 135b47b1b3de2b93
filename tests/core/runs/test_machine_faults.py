"""A full disk, a read-only one, no memory, an output that nobody reads: one sentence, and nothing half-written."""

from __future__ import annotations

import errno
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors import SafetensorError

from taskzoo.engine import tensor_files
from taskzoo.faults import machine_fault
from taskzoo.runs import directory, execute

from .kit import digest, read, zoo

FULL = OSError(errno.ENOSPC, "No space left on device")
AS_SAFETENSORS_SAYS = SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FULL, "no space is left on the disk"),
        (AS_SAFETENSORS_SAYS, "no space is left on the disk"),
        (OSError(errno.EROFS, "Read-only file system", "RUN/manifest.json"), "read-only (RUN/manifest.json)"),
        (PermissionError(errno.EACCES, "Permission denied", "x"), "there is no permission (x)"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), "nothing reads the output"),
        (MemoryError(), "the memory ran out; lower micro_batch_size"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to"), "the memory ran out"),
        (
            RuntimeError("[gloo/transport/tcp/pair.cc:537] Read error [::1]: Connection reset by peer."),
            "process of it is",
        ),
        (
            RuntimeError("NCCL error: remote process exited or there was a network error"),
            "another process of it is gone",
        ),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), None),
        (RuntimeError("connection of two layers"), None),
        (ValueError("no space left in this list"), None),
    ],
)
def test_faults_in_words(error: Exception, said: str | None) -> None:
    found = machine_fault(error)
    assert found is None if said is None else said in str(found)
    outer = RuntimeError("a plugin failed")
    outer.__cause__ = error
    assert machine_fault(outer) == found


def test_a_disk_that_fills_up_stops_the_run_which_then_resumes(request_, finished, tmp_path, monkeypatch) -> None:
    """The second state cannot be written; what was begun of it is removed, and the manifest says what happened."""
    run, real, calls = tmp_path / "run", tensor_files.save_file, []

    def save_file(tensors: object, file: Path, **more: object) -> None:
        if file.name == "optimizer.safetensors":
            calls.append(file)
            if len(calls) == 2:
                file.write_bytes(b"half")
                raise AS_SAFETENSORS_SAYS
        real(tensors, file, **more)

    monkeypatch.setattr(tensor_files, "save_file", save_file)
    result = zoo(*request_, "--output", run, "--quiet")
    monkeypatch.undo()
    assert (result.code, result.out) == (1, "")
    sentence = f"The run {str(run)!r} stopped: no space is left on the disk. When that is solved, resume it with: "
    assert result.err == f"zoo: {sentence}zoo resume {run}\n"
    manifest = read(run / "manifest.json")
    assert (manifest["status"], manifest["reason"].startswith("The run")) == ("stopped", True)
    assert not list(run.rglob("*.new"))
    resumed = zoo("resume", run, "--quiet", "--json")
    assert resumed.code == 0, resumed.err
    assert digest(run / "model" / "model.safetensors") == digest(finished / "model" / "model.safetensors")


def test_a_directory_that_is_removed_in_mid_run_is_not_made_again(request_, tmp_path, monkeypatch) -> None:
    run, real = tmp_path / "run", tensor_files.save_file

    def save_file(tensors: object, file: Path, **more: object) -> None:
        real(tensors, file, **more)
        shutil.rmtree(run, ignore_errors=True)

    monkeypatch.setattr(tensor_files, "save_file", save_file)
    result = zoo(*request_, "--output", run, "--quiet")
    assert result.code == 1
    assert "was removed while the run went on. Nothing can be resumed; start it again." in result.err
    assert not run.exists()


def test_a_model_that_is_half_written_is_removed(request_, tmp_path, monkeypatch) -> None:
    def save_task(folder: Path, *_: object) -> None:
        raise FULL

    monkeypatch.setattr("taskzoo.runs.load.save_task", save_task)
    result = zoo(*request_, "--output", tmp_path / "run", "--set", "max_steps=1", "--quiet")
    assert result.code == 1
    assert "zoo resume" in result.err
    assert not (tmp_path / "run" / "model").exists()


@pytest.mark.parametrize("there_before", [False, True])
def test_a_directory_that_cannot_be_filled_leaves_nothing(request_, tmp_path, monkeypatch, there_before: bool) -> None:
    run = tmp_path / "run"
    if there_before:
        run.mkdir()

    def write_config(*_: object) -> None:
        (run / "config.yaml").write_text("half", encoding="utf-8")
        raise FULL

    monkeypatch.setattr(execute, "write_config", write_config)
    result = zoo(*request_, "--output", run, "--quiet")
    assert result.code == 1
    assert result.err == f"zoo: The run directory {str(run)!r} cannot be made: no space is left on the disk. " + (
        "Nothing was kept.\n"
    )
    assert run.exists() is there_before
    assert not list(tmp_path.rglob("config.yaml"))


def test_where_nothing_can_be_written_is_said_before_anything_is_loaded(request_, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(directory.os, "access", lambda folder, mode: False)
    result = zoo(*request_, "--output", tmp_path / "deep" / "run")
    assert result.code == 2
    assert "is not writable, or on a read-only file system; choose another --output" in result.err
    assert zoo("predict", "run", "text", "--output", tmp_path / "x").code == 2


@pytest.mark.parametrize("place", ["link", "link/run", "loop"])
def test_an_output_behind_a_dangling_link_is_refused(request_, tmp_path, place: str) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    result = zoo(*request_, "--output", tmp_path / place)
    assert result.code == 2
    assert "which does not exist; make that folder or remove the link" in result.err
    assert not (tmp_path / "nowhere").exists()


def test_an_output_of_predictions_that_is_a_folder_is_refused(finished, tmp_path) -> None:
    result = zoo("predict", finished, "text", "--output", tmp_path)
    assert (result.code, result.err) == (2, f"zoo: --output {str(tmp_path)!r} is a folder; name a file.\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_full_output_is_one_sentence() -> None:
    command = f"{sys.executable} -m taskzoo tasks > /dev/full"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "zoo: No space is left on the disk.\n")


def test_an_output_that_nobody_reads_is_no_traceback() -> None:
    command = f"{sys.executable} -m taskzoo tasks | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "")

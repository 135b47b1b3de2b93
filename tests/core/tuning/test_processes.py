"""Two processes on one study through the real command line: one is killed, and all trials are made."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.core.runs.kit import read, text_rows, write_csv

pytest.importorskip("optuna")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def children_of(process: int) -> list[int]:
    """Processes that make trials, without the resource tracker of ``multiprocessing``."""
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(place.read_text().rpartition(")")[2].split()[1])
            words = (place.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == process and b"spawn_main" in words:
            found.append(int(place.parent.name))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="finds the process in /proc")
def test_one_of_two_processes_is_killed_and_all_trials_are_made(bert: Path, tmp_path: Path) -> None:
    files = [write_csv(tmp_path / f"{split}.csv", text_rows(60, seed)) for seed, split in enumerate(("train", "dev"))]
    words = ["tune", "classification", "--model", bert, "--train", files[0], "--validation", files[1]]
    words += ["--columns", "text=text,label=label", "--space", "learning_rate=1e-4:1e-2:log", "--space"]
    words += ["batch_size=8,16", "--trials", 6, "--seeds", 2, "--jobs", 2, "--output", tmp_path / "out", "--json"]
    words += ["--set", "method=full", "--set", "precision=fp32", "--set", "max_steps=60"]
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "taskzoo", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    trials, killed = tmp_path / "out" / "trials", 0
    while process.poll() is None and not killed:
        running = [place for place in trials.glob("*/history.jsonl") if place.stat().st_size]
        if len(running) >= 3 and (workers := children_of(process.pid)):
            os.kill(workers[0], signal.SIGKILL)
            killed = workers[0]
        time.sleep(0.05)
    out, err = process.communicate(timeout=800)
    assert killed, err
    assert process.returncode == 0, err
    found = json.loads(out)
    made = [trial for trial in found["trials"] if trial["reason"] != "its process died"]
    dead = [trial for trial in found["trials"] if trial["reason"] == "its process died"]
    assert [trial["state"] in ("complete", "pruned") for trial in made] == [True] * 6
    assert len(dead) <= 1
    for trial in dead:
        assert trial["settings"] in [other["settings"] for other in made], "its settings were tried again"
    for name in found["reruns"]:
        assert read(tmp_path / "out" / name / "seed-2" / "manifest.json")["status"] == "finished"

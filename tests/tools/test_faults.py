"""The script that kills runs and breaks disks finds nothing wrong, and finds what is wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that can fork")
def test_killed_runs_end_equal(tmp_path: Path) -> None:
    table = tmp_path / "table.md"
    command = [sys.executable, "tools/faults", "--kills", "3", "--seed", "7", "--only", "kills", "--table", table]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 not as it must be" in done.stdout
    (kills,) = map(int, re.findall(r"(\d+) kills, 0 cases", done.stdout))
    lines = re.findall(r"^\| .+ \| (\d+) \| (\d+) \| \d+ \| \d+ \| (\d+) of \1 \|$", table.read_text("utf-8"), re.M)
    assert kills >= 3
    assert sum(int(line[1]) for line in lines) == kills
    assert all(line[0] == line[2] for line in lines)

"""Starting a command once per process, and what is said when one of them is gone."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from taskzoo.cli import processes

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")


def python(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


LONG, KILLED = "import time; time.sleep(60)", f"import os; os.kill(os.getpid(), {int(signal.SIGKILL)})"


@pytest.mark.parametrize(
    ("codes", "found"),
    [
        (["", ""], (0, None)),
        (["raise SystemExit(2)", "raise SystemExit(3)"], (2, None)),
        (["", "raise SystemExit(3)"], (3, None)),
        (["raise SystemExit(1)", KILLED], ({1, -signal.SIGKILL}, 1)),
        ([LONG, KILLED], (-signal.SIGKILL, 1)),
        ([LONG, "raise SystemExit(3)"], (3, None)),
    ],
)
def test_the_first_failure_ends_all(codes, found, monkeypatch) -> None:
    """Also where the first process would go on; what is killed here was not killed from outside."""
    monkeypatch.setattr(processes, "GRACE", 0.2)
    began = time.monotonic()
    children = [python(code) for code in codes]
    code, killed = processes._wait(children)
    assert killed == found[1]
    assert code in (found[0] if isinstance(found[0], set) else {found[0]})
    assert time.monotonic() - began < 30
    assert all(child.poll() is not None for child in children)


def test_a_killed_process_is_named_with_how_to_resume(monkeypatch, capfd) -> None:
    real, started = subprocess.Popen, []

    def popen(command: list[str], **more: object) -> subprocess.Popen[bytes]:
        started.append(command)
        return real([sys.executable, "-c", "raise SystemExit(1)" if len(started) == 1 else KILLED], **more)

    monkeypatch.setattr(processes.subprocess, "Popen", popen)
    monkeypatch.setattr(processes.signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit):
        processes.relaunch(2, ["resume", "runs/a"], "runs/a")
    assert "zoo: Process 2 of 2 was killed" in capfd.readouterr().err
    assert [command[-2:] for command in started] == [["resume", "runs/a"]] * 2

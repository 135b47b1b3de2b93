"""Starting the same command once per device."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import NoReturn

from taskzoo.data.processes import end_with_parent
from taskzoo.engine.interrupt import listened_to

GRACE = 30.0
"""Seconds that processes get to end after one of them failed."""


def relaunch(processes: int, arguments: Sequence[str], run: str, *, output: str = "") -> NoReturn:
    """Run ``zoo ARGUMENTS`` once per process and exit as the first of them does.

    The processes have sessions of their own, so that an interruption reaches each exactly once, from here.
    They end with this process, however that ends. What the others say is shown only if the first has nothing to say.
    One that was killed, by the system or by a person, is named last, with how to resume ``run``.
    """
    command = [sys.executable, "-P", "-m", "taskzoo", *arguments]  # -P: no modules from the working directory
    if output and "--output" not in arguments and not any(a.startswith("--output=") for a in arguments):
        command += ["--output", output]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    threads = max(1, (os.cpu_count() or 1) // processes)
    shared = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes),
        "TASKZOO_PROCESSES": str(processes),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(threads)),
    }
    with tempfile.TemporaryFile(mode="w+", encoding="utf-8", errors="replace") as others:
        children = [
            subprocess.Popen(
                command,
                env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
                stdout=None if rank == 0 else subprocess.DEVNULL,
                stderr=None if rank == 0 else others,
                start_new_session=True,
                preexec_fn=end_with_parent,
            )
            for rank in range(processes)
        ]

        def forward(number: int, frame: object) -> None:
            for child in children:
                if child.poll() is None:
                    child.send_signal(number)

        for number in listened_to():
            signal.signal(number, forward)
        code, killed = _wait(children)
        if children[0].returncode in (0, -signal.SIGKILL) and code:
            others.seek(0)
            sys.stderr.write(others.read())
    if killed is not None:
        print(
            f"zoo: Process {killed + 1} of {processes} was killed, as the system does where the memory runs out; the "
            f"others were stopped. Resume with: zoo resume {run}",
            file=sys.stderr,
        )
    sys.exit(code if code >= 0 else 128 - code)


def _wait(children: Sequence[subprocess.Popen[bytes]]) -> tuple[int, int | None]:
    """The exit code of the first that failed (0: none), and which was killed from outside (``None``: none).

    Those left behind get :data:`GRACE` seconds, then a kill.
    """
    code, killed, deadline = 0, None, None
    while True:
        ended = [child.poll() for child in children]  # all are asked, also where one is still running
        failed = {rank: found for rank, found in enumerate(ended) if found}
        overdue = deadline is not None and time.monotonic() > deadline
        if killed is None and not overdue:
            killed = next((rank for rank, found in failed.items() if found == -signal.SIGKILL), None)
        if failed and deadline is None:
            code, deadline = next(iter(failed.values())), time.monotonic() + GRACE
        if None not in ended:
            return code, killed
        if overdue:
            for child in children:
                child.kill()
        time.sleep(0.1)

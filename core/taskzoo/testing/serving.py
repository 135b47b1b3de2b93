"""A server of finished runs in a process of its own, for benchmarks, pictures and tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

ZOO = (sys.executable, "-m", "taskzoo")
START = "Serving "


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that answers.

    Args:
        url: such as ``http://127.0.0.1:41234``.
        pid: of its process.
    """

    url: str
    pid: int

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])


@contextmanager
def serving(runs: Sequence[str], *options: str, zoo: Sequence[str] = ZOO) -> Iterator[Serving]:
    """``zoo serve RUNS OPTIONS`` at a free port of the loopback interface, until the block ends.

    ``zoo`` is the command for it.

    Raises:
        RuntimeError: it did not start, or did not end with 0.
    """
    command = [*zoo, "serve", *runs, "--port", "0", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    said: list[str] = []
    try:
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
            if line.startswith(START):
                break
        else:
            raise RuntimeError(f"The server did not start: {''.join(said).strip()}")
        yield Serving(said[-1].split()[-1], process.pid)
    finally:
        process.terminate()
        process.communicate(timeout=60)
    if process.returncode:
        raise RuntimeError(f"The server ended with {process.returncode}.")

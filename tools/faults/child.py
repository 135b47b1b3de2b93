"""``zoo`` in a process forked from this one, and what befalls it at one of its file operations."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
OPERATIONS = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "shutil.rmtree", "os.link")

REMOVING = ("os.remove", "os.rmdir", "shutil.rmtree")

Event = Callable[[int, str], None]
"""What happens at a file operation, given its number from 1 and its name. It may raise: the operation fails so."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command left behind.

    Args:
        code: its exit code; negative: the signal that ended it.
        said: what it wrote to stdout and stderr.
        operations: how many files in the watched folder it opened for writing, renamed or removed; 0 if it was killed.
        seconds: how long it took.
    """

    code: int
    said: str
    operations: int
    seconds: float

    @property
    def traceback(self) -> bool:
        """Whether it ended with a traceback."""
        return "Traceback (most recent call last)" in self.said


@dataclass(slots=True)
class Child:
    """A command that is running."""

    pid: int
    output: Path
    began: float

    def wait(self, seconds: float = 300.0, kill_after: float | None = None) -> Ended:
        """Wait for its end; it is killed after ``kill_after`` seconds, and after ``seconds`` as a failure."""
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            passed = time.monotonic() - self.began
            if pid:
                break
            if kill_after is not None and passed >= kill_after:
                os.kill(self.pid, signal.SIGKILL)
                kill_after = None
            if passed > seconds:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                raise TimeoutError(f"it hangs: {self.output.read_text(encoding='utf-8', errors='replace')[-500:]}")
            time.sleep(0.005)
        code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        said = self.output.read_text(encoding="utf-8", errors="replace")
        counted = self.output.with_suffix(".operations")
        operations = int(counted.read_text()) if counted.exists() else 0
        return Ended(code, said, operations, passed)


def start(
    arguments: list[Any], folder: Path, event: Event | None = None, prepare: Callable[[], None] | None = None
) -> Child:
    """Start ``zoo ARGUMENTS`` in a child.

    Args:
        arguments: of the command line.
        folder: whose file operations are counted.
        event: called in the child before each of them.
        prepare: called in the child first, to plant further faults.
    """
    output = folder.with_name(f"{folder.name}.{time.monotonic_ns()}.txt")
    began = time.monotonic()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if not pid:
        _command([str(a) for a in arguments], folder, output, event, prepare)
    return Child(pid, output, began)


def zoo(arguments: list[Any], folder: Path, event: Event | None = None, **more: Any) -> Ended:
    """:func:`start`, and wait for its end."""
    kill_after = more.pop("kill_after", None)
    return start(arguments, folder, event, **more).wait(kill_after=kill_after)


def kill_at(number: int, signum: int = signal.SIGKILL) -> Event:
    """Send the process a signal before its file operation ``number``."""

    def event(count: int, name: str) -> None:
        if count == number:
            os.kill(os.getpid(), signum)

    return event


def fail_from(number: int, code: int) -> Event:
    """All file operations from ``number`` on fail; of a full disk, files can be removed."""

    def event(count: int, name: str) -> None:
        if count >= number and not (code == errno.ENOSPC and name in REMOVING):
            raise OSError(code, os.strerror(code))

    return event


def _command(
    arguments: list[str], folder: Path, output: Path, event: Event | None, prepare: Callable[[], None] | None
) -> None:
    code: Any = 1
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        from taskzoo.cli import main

        sys.argv = ["zoo", *arguments]
        for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
            signal.signal(number, handler)  # whatever a shell has made of them for what is in its background
        if prepare is not None:
            prepare()
        with _watched(folder, event) as count:
            try:
                main()
                code = 0
            except SystemExit as error:
                code = error.code
        output.with_suffix(".operations").write_text(str(count[0]))
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


@contextmanager
def _watched(folder: Path, event: Event | None) -> Iterator[list[int]]:
    """Count operations on files in the folder, also by relative paths, and call the event before each."""
    count, inside, root = [0], [True], str(folder.resolve())

    def hook(name: str, arguments: tuple[Any, ...]) -> None:
        if not inside[0] or not (name in OPERATIONS or (name == "open" and (arguments[2] or 0) & WRITING)):
            return
        if not isinstance(arguments[0], (str, os.PathLike)):
            return
        path = os.path.abspath(os.fspath(arguments[0]))
        if not (path == root or path.startswith(root + os.sep)):
            return
        count[0] += 1
        if event is not None:
            event(count[0], name)

    sys.addaudithook(hook)  # cannot be removed: the process ends soon
    try:
        yield count
    finally:
        inside[0] = False

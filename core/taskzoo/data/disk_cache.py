"""What can be made again of large data, kept on disk from one run to the next: each entry a folder, whole or not there.

An entry is made under another name, flushed and renamed, by one process at a time; others wait for it. What is damaged
is made again. Entries that no run has used for :data:`KEPT_DAYS` days are removed when another one is made.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from taskzoo.durable import lock, replace
from taskzoo.errors import MachineError
from taskzoo.faults import machine_fault
from taskzoo.option_names import setting_name

FOLDER = "TASKZOO_CACHE"
"""The environment variable that names the folder."""
KEPT_DAYS = 30
_CONTENT = "content.json"
_WAIT = 0.2


def cache_folder() -> Path:
    """``$TASKZOO_CACHE``, otherwise ``taskzoo`` among the user's caches."""
    if named := os.environ.get(FOLDER):
        return Path(named)
    from platformdirs import user_cache_path

    return user_cache_path("taskzoo")


def cached(name: str, make: Callable[[Path], None], *, say: Callable[[str], object]) -> Path:
    """The folder of the entry ``name``, which ``make`` fills if it is not there or not whole.

    Args:
        name: says the content: another content has another name.
        make: writes files into a folder that exists.
        say: gets a line where this process has to wait.

    Raises:
        MachineError: the disk is full, or the folder cannot be written.
    """
    folder = cache_folder() / name
    try:
        with suppress(FileExistsError, NotADirectoryError):
            folder.parent.mkdir(parents=True, exist_ok=True)
        if not folder.parent.is_dir():
            raise MachineError(f"{FOLDER} is {str(folder.parent)!r}, which is a file or below one; name a folder.")
        with _alone(folder.with_name(f"{name}.lock"), say):
            if not _is_whole(folder):
                _make(folder, make)
            os.utime(folder / _CONTENT)
    except OSError as error:
        if (fault := machine_fault(error)) is None:
            raise
        raise MachineError(
            f"What is kept of large data cannot be written to {str(folder.parent)!r}: {fault}. Free some space, name "
            f"another folder in {FOLDER}, or hold the data in memory ({setting_name('on_disk=false')})."
        ) from error
    return folder


def size_of(folder: Path) -> int:
    """Bytes of an entry."""
    return sum(file.stat().st_size for file in folder.iterdir())


def _make(folder: Path, make: Callable[[Path], None]) -> None:
    _remove_unused(folder.parent)
    for left in folder.parent.glob(f"{folder.name}.*.new"):  # of a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    fresh = folder.with_name(f"{folder.name}.{os.getpid()}.new")
    fresh.mkdir()
    try:
        make(fresh)
        sizes = {file.name: file.stat().st_size for file in fresh.iterdir()}
        (fresh / _CONTENT).write_text(json.dumps(sizes), encoding="utf-8")
        replace(fresh, folder)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def _is_whole(folder: Path) -> bool:
    try:
        sizes = json.loads((folder / _CONTENT).read_text(encoding="utf-8"))
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError):
        return False


def _remove_unused(parent: Path) -> None:
    """Remove the entries that nobody has used for long; one that a process still reads stays readable to it."""
    oldest = time.time() - KEPT_DAYS * 24 * 3600
    for content in parent.glob(f"*/{_CONTENT}"):
        with suppress(OSError):
            if content.stat().st_mtime < oldest:
                shutil.rmtree(content.parent, ignore_errors=True)
                content.parent.with_name(f"{content.parent.name}.lock").unlink(missing_ok=True)


@contextmanager
def _alone(file: Path, say: Callable[[str], object]) -> Iterator[None]:
    """Within the context, no other process is in it with the same file."""
    waits = False
    while True:
        with file.open("a", encoding="utf-8") as opened:
            try:
                lock(opened)
            except BlockingIOError:
                if not waits:
                    say("waiting   another run is making what this one needs of the data")
                waits = True
                time.sleep(_WAIT)
                continue
            yield
            return

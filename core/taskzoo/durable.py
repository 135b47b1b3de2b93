"""Files that outlive a power cut, folders that one process has to itself."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` in one step: readers see the old content or the new, also after a power cut."""
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.write_text(text, encoding="utf-8")
        replace(fresh, path)
    except OSError:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise


def replace(fresh: Path, path: Path) -> None:
    """Give a file, or a folder with its files, another name once all that it holds is on the disk."""
    flush(fresh)
    rename(fresh, path)


def rename(fresh: Path, path: Path) -> None:
    """Give what is on the disk already another name, which is then on the disk as well."""
    os.replace(fresh, path)
    sync_folder(path.parent)


def flush(fresh: Path) -> None:
    """Wait until all that a file, or a folder, holds is on the disk."""
    for place in (*fresh.rglob("*"), fresh):
        if place.is_dir():
            sync_folder(place)
            continue
        with place.open("rb+") as opened:
            os.fsync(opened.fileno())


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Within the context, a new folder to fill; it takes the place of ``path`` when all that it holds is on the disk.

    After an error nothing of it is left, and ``path`` is as it was.
    """
    fresh = path.with_name(path.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        yield fresh
        flush(fresh)  # before the old folder goes
        shutil.rmtree(path, ignore_errors=True)
        rename(fresh, path)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def sync_folder(folder: Path) -> None:
    """Flush the names of files in ``folder`` to the disk, where the system does that."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def lock(file: IO[Any]) -> None:
    """Lock a file until it is closed or this process ends, where the system has locks.

    Raises:
        BlockingIOError: another process has locked it.
    """
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:  # on Windows a file that is open cannot be removed
        return
    except BlockingIOError:
        raise
    except OSError:  # a file system without locks
        return


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Within the context, ``file`` is there and this process has locked it; it is removed at the end.

    Raises:
        BlockingIOError: another process, or thread, has locked it.
    """
    with _locked_file(file):
        try:
            yield
        finally:
            with suppress(OSError):
                file.unlink(missing_ok=True)


@contextmanager
def _locked_file(file: Path) -> Iterator[None]:
    """Of a file that another process removed between opening and locking, the lock is worth nothing: open it anew."""
    while True:
        with file.open("w", encoding="utf-8") as opened:
            lock(opened)
            try:
                is_it = os.path.samestat(os.fstat(opened.fileno()), file.stat())
            except FileNotFoundError:
                is_it = False
            if is_it:
                yield
                return

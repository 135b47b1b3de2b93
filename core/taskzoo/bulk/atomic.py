"""A file that is there as a whole or not at all, whenever the process is killed."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, cast

from taskzoo.durable import lock, sync_folder
from taskzoo.errors import RequestError

ENDING = ".new"
"""Of the name that a file has until it is complete."""
_MOST_LINKS = 40  # one after the other, as on Linux


class HashedFile:
    """A file for writing that knows the SHA-256 of what was written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._digest = file, hashlib.sha256()
        self.closed = False  # asked by pyarrow

    def write(self, data: Any) -> int:
        """Write bytes."""
        self._digest.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        """Pass on what was written."""
        self._file.flush()

    def tell(self) -> int:
        """The number of bytes that were written."""
        return self._file.tell()

    @property
    def sha256(self) -> str:
        """Of all bytes so far."""
        return self._digest.hexdigest()


@contextmanager
def atomic_file(path: Path) -> Iterator[tuple[IO[bytes], HashedFile]]:
    """The file to write to, twice: for writers, and for its digest.

    It has another name until the block ends, is flushed to the disk and then gets its own; if the block raises, it is
    removed. Several processes may do this for the same path: a file that is being written is locked, where the system
    has locks. A link stays, and the file that it leads to is written. What is not a regular file, such as a named pipe
    or ``/dev/stdout``, is written to as it is.
    """
    path, as_it_is = followed(path)
    if as_it_is:
        with path.open("ab") as file:  # of what `>>` named, the content stays
            hashed = HashedFile(file)
            yield cast(IO[bytes], hashed), hashed
        return
    fresh = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}{ENDING}")
    try:
        with fresh.open("wb") as file:
            lock(file)
            hashed = HashedFile(file)
            yield cast(IO[bytes], hashed), hashed
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except BaseException:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def followed(path: Path) -> tuple[Path, bool]:
    """Where links lead, and whether that is to be written to as it is: links of ``/proc`` stand for open files.

    Raises:
        RequestError: they lead nowhere, as one that leads to itself.
    """
    end = path
    for _ in range(_MOST_LINKS):
        if not end.is_symlink():
            return end, end.exists() and not end.is_file()
        folder = end.parent.resolve()
        if folder.is_relative_to("/proc"):
            return end, True
        end = folder / os.readlink(end)
    raise RequestError(f"{str(path)!r} is a link that leads to itself; name another file.")


def remove_leftovers(path: Path) -> None:
    """Remove what processes that were killed left of ``path``."""
    path, _ = followed(path)
    for left in path.parent.glob(f".{path.name}.*{ENDING}"):
        with suppress(OSError), left.open("rb+") as file:
            lock(file)
            left.unlink()

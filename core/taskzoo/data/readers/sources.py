"""What a path stands for - a file, a pair of files, a folder of classes - checked and hashed without reading rows."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping
from glob import glob, has_magic
from pathlib import Path

from taskzoo.errors import DataError

from .detect import reader_with_files
from .files import require_file
from .parallel import find_parallel
from .text_classes import find_classes, reads_classes


def expand(path: str | Path) -> list[Path]:
    """The path, or the files that match it as a pattern (``part-*.csv``), sorted.

    Raises:
        DataError: nothing matches.
    """
    path = Path(path)
    if not has_magic(str(path)) or os.path.lexists(path):
        return [path]
    if found := sorted(map(Path, glob(str(path)))):
        return found
    raise DataError("no file matches this pattern.", file=str(path))


def require_source(path: Path, roles: Collection[str], languages: Mapping[str, str] | None = None) -> None:
    """Check that ``path`` is a file, a pair of files or a folder of classes that a task with these roles reads.

    Raises:
        DataError: it is missing, or a folder as :func:`~.text_classes.find_classes` refuses it.
    """
    if path.is_dir() and reads_classes(roles):
        find_classes(path)
        return
    for file in source_files(path, languages, roles):
        require_file(file)


def source_files(path: Path, languages: Mapping[str, str] | None = None, roles: Collection[str] = ()) -> list[Path]:
    """The files that are read for a path: itself, the pair it names, source first, or what a plugin's reader says."""
    if languages and (pair := find_parallel(path, languages)):
        return list(pair.paths.values())
    reader = reader_with_files(path, roles)
    return reader.files(path) if reader else [path]


def content_sha256(path: str | Path, languages: Mapping[str, str] | None = None, roles: Collection[str] = ()) -> str:
    """SHA-256 of what a path stands for.

    That is the bytes of a file; the hashes of a pair of parallel files, source first; or the names and bytes of the
    files of a folder of classes.

    Raises:
        DataError: as :func:`require_source`, or a file that cannot be read.
    """
    path = Path(path)
    files = source_files(path, languages, roles)
    if not path.is_dir() or files != [path]:
        hashes = [file_sha256(file) for file in files]
        return hashes[0].hex() if len(hashes) == 1 else hashlib.sha256(b"".join(hashes)).hexdigest()
    digest = hashlib.sha256()
    paths = [file for files in find_classes(path).values() for file in files]
    for name, file in sorted((file.relative_to(path).as_posix(), file) for file in paths):
        digest.update(name.encode("utf-8", "surrogateescape") + b"\0" + file_sha256(file))
    return digest.hexdigest()


def file_sha256(path: Path) -> bytes:
    """SHA-256 of a file's bytes.

    Raises:
        DataError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror or error}).", file=str(path)) from None

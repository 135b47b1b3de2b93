"""What a path stands for - a file, a pair of files, a folder of classes - checked and hashed without reading rows."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path

from taskzoo.errors import DataError

from .files import require_file
from .parallel import find_parallel
from .text_classes import find_classes, reads_classes


def require_source(path: Path, roles: Collection[str], languages: Mapping[str, str] | None = None) -> None:
    """Check that ``path`` is a file, a pair of files or a folder of classes that a task with these roles reads.

    Raises:
        DataError: it is missing, or a folder as :func:`~.text_classes.find_classes` refuses it.
    """
    if path.is_dir() and reads_classes(roles):
        find_classes(path)
        return
    for file in source_files(path, languages):
        require_file(file)


def source_files(path: Path, languages: Mapping[str, str] | None = None) -> list[Path]:
    """The files that are read for ``path``: itself, or the pair that it names, source first."""
    pair = find_parallel(path, languages) if languages else None
    return [path] if pair is None else list(pair.paths.values())


def content_sha256(path: str | Path, languages: Mapping[str, str] | None = None) -> str:
    """SHA-256 of what a path stands for.

    That is the bytes of a file; the hashes of a pair of parallel files, source first; or the names and bytes of the
    files of a folder of classes.

    Raises:
        DataError: as :func:`require_source`, or a file that cannot be read.
    """
    path = Path(path)
    if not path.is_dir():
        hashes = [file_sha256(file) for file in source_files(path, languages)]
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

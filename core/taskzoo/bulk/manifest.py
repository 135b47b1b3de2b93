"""What is done of a folder of shards, written as it goes.

Each process has a file of its own, ``manifest.jsonl`` or ``manifest-3-of-16.jsonl``: first a line that says what the
job is, then a line for each shard when it is done or has failed. A line is complete or ignored.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from taskzoo.data.readers import file_sha256
from taskzoo.durable import sync_folder
from taskzoo.errors import RequestError
from taskzoo.option_names import option_name

from .part import Part

FORMAT = 1
_PATTERN = "manifest*.jsonl"


@dataclass(frozen=True, slots=True)
class ShardEntry:
    """A shard that is done or failed.

    Args:
        shard: its number, from 0.
        state: ``done`` or ``failed``.
        file: the name of its file.
        rows: predictions in it.
        bad: rows that could not be used.
        sha256: of its file.
        bad_sha256: of the file of its bad rows; empty if there are none, or an earlier taskzoo wrote this.
        reason: why it failed.
    """

    shard: int
    state: str
    file: str
    rows: int = 0
    bad: int = 0
    sha256: str = ""
    bad_sha256: str = ""
    reason: str = ""


class Manifest:
    """The entries of all processes in ``folder``; new ones go to the file of this process.

    Args:
        folder: of the shards.
        job: what determines the bytes of the shards, as JSON.
        part: of the job that this process does.

    Raises:
        RequestError: the folder holds shards of another job.
    """

    def __init__(self, folder: Path, job: Mapping[str, Any], part: Part) -> None:
        self._folder = folder
        self._path = folder / ("manifest.jsonl" if part.count == 1 else f"manifest-{part.number}-of-{part.count}.jsonl")
        self.entries: dict[int, ShardEntry] = {}
        for path in sorted(folder.glob(_PATTERN)):
            lines = _lines(path)
            if lines:
                self._check(lines[0], job)
            for entry in filter(None, map(_entry, lines[1:])):
                if entry.shard not in self.entries or entry.state == "done":
                    self.entries[entry.shard] = entry
        if not _lines(self._path):
            self._path.unlink(missing_ok=True)
            self._append({"format": FORMAT, "job": dict(job)})
            sync_folder(folder)

    def finished(self, shard: int, *, strict: bool) -> ShardEntry | None:
        """The entry of a shard that is done, and whose files are those that were written; ``strict``: no bad row."""
        entry = self.entries.get(shard)
        if entry is None or entry.state != "done" or (strict and entry.bad):
            return None
        file, bad = self._folder / entry.file, self._folder / bad_name(shard)
        same = _has_digest(file, entry.sha256)
        if entry.bad:
            same = same and (_has_digest(bad, entry.bad_sha256) if entry.bad_sha256 else bad.is_file())
        return entry if same else None

    def add(self, entry: ShardEntry) -> None:
        """Note that a shard is done or failed."""
        self.entries[entry.shard] = entry
        self._append({name: value for name, value in asdict(entry).items() if value != ""})

    def _append(self, value: Mapping[str, Any]) -> None:
        """Add a line, behind what a killed process may have left of one."""
        with self._path.open("ab+") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - 1))
            broken = end > 0 and file.read(1) != b"\n"
            file.write(b"\n" * broken + json.dumps(value, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _check(self, first: Any, job: Mapping[str, Any]) -> None:
        """Refuse another job."""
        begun = first.get("job") if isinstance(first, dict) and first.get("format") == FORMAT else None
        if not isinstance(begun, dict):
            what = "is damaged in its first line or of another version"
            raise RequestError(f"The manifest in {str(self._folder)!r} {what}; choose another folder.")
        if changed := [name for name in {**begun, **job} if begun.get(name) != job.get(name)]:
            what = f"holds shards of another job: {', '.join(changed)} changed since"
            fix = f"choose another {option_name('output')}, or remove it"
            raise RequestError(f"The folder {str(self._folder)!r} {what}; {fix}.")


def bad_name(shard: int) -> str:
    """The name of the file of a shard's bad rows."""
    return f"bad-{shard:05d}.jsonl"


def _has_digest(file: Path, sha256: str) -> bool:
    return file.is_file() and file_sha256(file).hex() == sha256


def _entry(line: Any) -> ShardEntry | None:
    """The entry on a line; ``None`` of one that is damaged, whose shard is then made again."""
    try:
        entry = ShardEntry(**line)
    except TypeError:
        return None
    numbers = (entry.shard, entry.rows, entry.bad)
    return entry if all(type(value) is int for value in numbers) and isinstance(entry.file, str) else None


def _lines(path: Path) -> list[Any]:
    """The complete lines of a manifest."""
    found = []
    for line in path.read_bytes().split(b"\n")[:-1] if path.is_file() else ():
        try:
            found.append(json.loads(line))
        except ValueError:  # cut off when a process was killed
            continue
    return found

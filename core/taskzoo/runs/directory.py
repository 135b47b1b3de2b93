"""The run directory: stable names, and files that are never half-written."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from taskzoo.durable import locked, write_text
from taskzoo.errors import RequestError
from taskzoo.escapes import visible_cell
from taskzoo.option_names import option_name

TASK_FILE = "task.json"
"""Beside the model: what prediction needs besides weights and processor."""
LOCK = ".lock"
_ROWS = re.compile(r"[a-z]+\.jsonl(\.new)?")
"""Files of rows that were given in memory."""


class RunDirectory:
    """Paths inside one run. ``data`` holds rows that were given in memory, so that the run can be repeated."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config, self.card, self.data = path / "config.yaml", path / "README.md", path / "data"
        self.manifest, self.metrics = path / "manifest.json", path / "metrics.json"
        self.history, self.predictions = path / "history.jsonl", path / "predictions.jsonl"
        self.model, self.adapter, self.checkpoints = path / "model", path / "adapter", path / "checkpoints"
        self._lock = path / LOCK

    @property
    def shown(self) -> str:
        """The path as its card names it, without the folders above the working directory."""
        path = self.path
        if path.is_absolute():
            path = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else Path(path.name)
        return visible_cell(str(path))

    def read_manifest(self) -> dict[str, Any]:
        """The manifest; refused if there is none, so that this is no run directory, or if it is damaged."""
        if not self.manifest.is_file() and self.config.is_file() and _holds_nothing(self.path):
            raise RequestError(
                f"The run {str(self.path)!r} was stopped before it began; start it again: "
                f"zoo run TASK --config {self.config} --output {self.path}"
            )
        if not self.manifest.is_file():
            raise RequestError(f"{str(self.path)!r} is not a run directory: it has no manifest.json.")
        manifest: dict[str, Any] = read_json(self.manifest)
        return manifest

    def read_begun(self) -> dict[str, Any]:
        """The manifest of a run that is to go on; refused, too, if it is that of something else."""
        manifest = self.read_manifest()
        if not isinstance(manifest, dict) or not {"status", "task"} <= manifest.keys():
            raise RequestError(f"{str(self.path)!r} is not a run directory: its manifest.json is not that of a run.")
        return manifest

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within the context, no other process or thread can hold the directory.

        Raises:
            RequestError: one does.
        """
        try:
            with locked(self._lock):
                yield
        except BlockingIOError:
            raise RequestError(
                f"The run {str(self.path)!r} is going on in another process; wait until that ends, or stop it."
            ) from None

    def remove_unfinished(self) -> None:
        """Remove files that were not written to their end: they have other names until they are."""
        for place in (self.path, self.checkpoints):
            for file in place.glob("*.new"):
                with suppress(OSError):  # on a disk that has failed
                    shutil.rmtree(file) if file.is_dir() else file.unlink()


def new_run_path(output: str | Path | None, task: str, model: str, *, ours: bool = False) -> Path:
    """Where a new run goes: ``output``, or ``runs/TASK-MODEL-TIME``; refused if it holds anything, or cannot be made.

    ``ours`` says that another process of the same run may have made it just now.
    """
    if output is None:
        short = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(model).name).strip("-") or "model"
        stem = f"{task.replace('/', '-')}-{short}-{datetime.now():%Y%m%d-%H%M%S}"
        path, number = Path("runs") / stem, 1
        while path.exists():
            number += 1
            path = Path("runs") / f"{stem}-{number}"
        output = path
    path = Path(output)
    for link in (path, *path.parents):
        if link.is_symlink() and not link.exists():
            raise RequestError(
                f"The output directory {str(output)!r} cannot be made: {str(link)!r} is a link to "
                f"{os.readlink(link)!r}, which does not exist; make that folder or remove the link."
            )
    if not ours and (path.is_file() or (path.is_dir() and not _holds_nothing(path))):
        raise RequestError(
            f"The output directory {str(output)!r} exists already; choose another {option_name('output')} or remove it."
        )
    if blocking := next((parent for parent in path.parents if parent.is_file()), None):
        raise RequestError(f"The output directory {str(output)!r} cannot be made: {str(blocking)!r} is a file.")
    _check_writable(path)
    return path


@contextmanager
def new_run(output: str | Path | None, task: str, model: str, *, ours: bool = False) -> Iterator[Path]:
    """:func:`new_run_path`; a directory that was not named is made at once, so that no other run takes its name.

    It is removed at the end if nothing was written to it, and so is the folder for all runs if that was made with it.
    ``ours``: another process of the same run makes it, and says later where it is.
    """
    path = new_run_path(output, task, model, ours=ours)
    if output is not None or ours:
        yield path
        return
    made = [path] if path.parent.is_dir() else [path, path.parent]
    while True:
        try:
            path.mkdir(parents=True)
            break
        except FileExistsError:  # made by another run since its name was chosen
            path = made[0] = new_run_path(None, task, model)
    try:
        yield path
    finally:
        with suppress(OSError):
            for folder in made:
                folder.rmdir()  # refused by the system unless it is empty


def _holds_nothing(path: Path) -> bool:
    """Whether there is nothing in a folder, or only the first files of a run that was killed before it began."""
    run = RunDirectory(path)
    first = {run.config.name, f"{run.config.name}.new", f"{run.manifest.name}.new", LOCK}
    names = {file.name for file in path.iterdir()}
    if LOCK in names and run.data.is_dir() and all(_ROWS.fullmatch(file.name) for file in run.data.iterdir()):
        first.add(run.data.name)
    return names <= first


def _check_writable(path: Path) -> None:
    """Refuse a new run's ``path`` where nothing can be written: a read-only disk, or another user's folder."""
    folder = next(parent for parent in (path, *path.absolute().parents) if parent.is_dir())
    if not os.access(folder, os.W_OK | os.X_OK):
        raise RequestError(
            f"The output directory {str(path)!r} cannot be made: {str(folder)!r} is not writable, or on a read-only "
            f"file system; choose another {option_name('output')}."
        )


def check_output(path: Path, option: str = "--output") -> None:
    """Refuse a file to write to that is a folder, or whose folder is missing or cannot be written to."""
    folder = path.absolute().parent
    if path.is_dir():
        raise RequestError(f"{option} {str(path)!r} is a folder; name a file.")
    if not folder.is_dir():
        raise RequestError(f"The folder of {option} {str(path)!r} does not exist.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise RequestError(f"{option} {str(path)!r} cannot be written: its folder is not writable.")


def check_not_inside(path: Path, option: str, runs: Sequence[str]) -> None:
    """Refuse a file to write to that lies in the directory of a run, whose own files it could replace."""
    for run in runs:
        if path.resolve().is_relative_to(Path(run).resolve()):
            raise RequestError(f"{option} {str(path)!r} is inside the run {run!r}, whose files stay as they are.")


def read_json(path: Path) -> Any:
    """The content of a JSON file of the run, or of the lines of a ``.jsonl`` file; refused if it is not JSON."""
    try:
        text = path.read_text(encoding="utf-8")
        return [json.loads(line) for line in text.split("\n") if line] if path.suffix == ".jsonl" else json.loads(text)
    except ValueError:
        raise RequestError(f"{str(path)!r} is damaged: it is not JSON.") from None


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON in one step."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_jsonl(path: Path, values: Iterable[Any]) -> None:
    """Write one JSON value a line in one step."""
    write_text(path, "".join(json.dumps(v, ensure_ascii=False, allow_nan=False) + "\n" for v in values))

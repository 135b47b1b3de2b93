"""Which files of a run go to the hub, and that nothing private is among them.

What goes: the model's folder, the scores, what the run was made of, and a card. What stays: the configuration (which
holds paths), training logs, checkpoints, rows and predictions for them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taskzoo.errors import RequestError
from taskzoo.models.directories import vocabulary_files
from taskzoo.runs.directory import TASK_FILE, RunDirectory, read_json
from taskzoo.runs.places import shortener
from taskzoo.runs.saved_files import check_files
from taskzoo.runs.task_file import read_task

CARD = "README.md"
PUBLIC = (
    *("status", "task", "model", "precision", "seed", "recipe", "rows", "data", "steps", "best_step", "tuned"),
    *("started", "finished", "model_files"),
)
"""What goes of the manifest."""
PUBLIC_DATA = ("source", "rows", "sha256", "commit")
"""What goes of a split in it."""
_HOME = re.compile(r"(?:/home/|/Users/|[A-Za-z]:\\{1,2}Users\\{1,2})[\w-]+(?:\.[\w-]+)*")
_TEXT = (".json", ".md", ".py", ".txt", ".jinja", ".yaml")


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes to the hub.

    Args:
        files: path in the repository -> the file, or its content where that differs from what the run has.
    """

    files: Mapping[str, Path | bytes]

    @property
    def sizes(self) -> dict[str, int]:
        """Path in the repository -> bytes."""
        return {
            name: content.stat().st_size if isinstance(content, Path) else len(content)
            for name, content in self.files.items()
        }


def finished_run(path: Path) -> RunDirectory:
    """The directory of a finished run whose weights are its own.

    Raises:
        RequestError: it is none, or its task is in no package, so that nobody else could load it.
    """
    directory = RunDirectory(path)
    if not path.is_dir():
        raise RequestError(f"There is no run at {str(path)!r}.")
    if directory.read_manifest().get("status") != "finished" or not (directory.model / TASK_FILE).is_file():
        raise RequestError(f"The run {str(path)!r} is not finished; `zoo resume {path}` continues it.")
    saved = read_task(directory.model / TASK_FILE)
    if not saved.task["distribution"]:
        raise RequestError(
            f"The task of this run ({saved.task['name'].rpartition(':')[2]}) is no package, so nobody else could load "
            "it; make it one with `zoo new` and train with that."
        )
    check_files(directory.model, fully=True)
    return directory


def public_facts(directory: RunDirectory) -> dict[str, Any]:
    """The manifest without what is of this machine or of nobody's concern."""
    manifest = {name: value for name, value in directory.read_manifest().items() if name in PUBLIC}
    manifest["data"] = {
        split: {name: value for name, value in source.items() if name in PUBLIC_DATA}
        for split, source in manifest.get("data", {}).items()
    }
    found: dict[str, Any] = without_folders(directory)(manifest)
    return found


def without_folders(directory: RunDirectory) -> Any:
    """A function that takes the folders of this machine out of a JSON value."""
    path = directory.path.absolute()
    return shortener([path, path.parent, Path.cwd(), Path.home()])


def collect(directory: RunDirectory, card: str) -> Contents:
    """The files of a finished run, with ``card`` as ``README.md``.

    Raises:
        RequestError: one of them names a home directory.
    """
    shorten = without_folders(directory)
    vocabulary = {file.name for file in vocabulary_files(directory.model)}
    files: dict[str, Path | bytes] = {}
    for file in sorted(directory.model.rglob("*")):
        if not file.is_file() or "__pycache__" in file.parts:
            continue
        name = file.relative_to(directory.model).as_posix()
        files[name] = file
        if file.suffix == ".json" and file.name not in vocabulary:
            value = read_json(file)
            if (public := shorten(value)) != value:
                files[name] = _json(public)
    files["metrics.json"] = _json(shorten(read_json(directory.metrics)))
    files["manifest.json"] = _json(public_facts(directory))
    files[CARD] = card.encode()
    contents = Contents(files)
    for name, found in _homes(contents, vocabulary):
        raise RequestError(
            f"{name} would publish the path {found!r} of this machine; take it out of that file of the run first."
        )
    return contents


def _homes(contents: Contents, vocabulary: set[str]) -> Iterator[tuple[str, str]]:
    """Files that name a home directory, and what they name."""
    home = str(Path.home())
    for name, content in contents.files.items():
        if not name.endswith(_TEXT) or name in vocabulary:
            continue
        text = content.decode() if isinstance(content, bytes) else content.read_text(encoding="utf-8", errors="replace")
        if home + "/" in text:
            yield name, home
        elif found := _HOME.search(text):
            yield name, found[0]


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()

"""Tasks to the files that a labelling tool imports."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from taskzoo.durable import replace, write_text
from taskzoo.errors import RequestError

from . import brat, doccano, label_studio, prodigy, spacy
from .task_form import PreAnnotated, TaskForm, task_form

Files = Mapping[str, str]
"""Name -> content; the name ``""`` stands for the path itself, one that starts with a dot for that ending instead."""

_WRITERS: Mapping[str, Callable[[Sequence[TaskForm]], Files]] = {
    "label-studio": label_studio.files,
    "prodigy": prodigy.files,
    "doccano": doccano.files,
    "brat": brat.files,
    "spacy": spacy.files,
}
TOOLS: tuple[str, ...] = tuple(_WRITERS)
"""Names of the tools."""


def write_tasks(path: Path, tool: str, tasks: Sequence[PreAnnotated]) -> None:
    """Write tasks for a tool, in their order: the whole file or nothing.

    Args:
        path: a file; for ``brat`` a folder, which must not be there or be empty. ``label-studio`` writes the labelling
            configuration next to it, with the ending ``.xml``.
        tool: one of :data:`TOOLS`.
        tasks: one or more.

    Raises:
        RequestError: there are no tasks, no such tool, the tool has nothing for such labels, or the folder is not
            empty.
        DataError: a row has no text, or a span does not fit its text.
        OSError: the file cannot be written.
    """
    if tool not in _WRITERS:
        raise RequestError(f"There is no labelling tool {tool!r} here; use one of {', '.join(TOOLS)}.")
    if not tasks:
        raise RequestError(f"There are no rows to write for {tool}.")
    files = _WRITERS[tool]([task_form(task) for task in tasks])
    if tool == "brat":
        _write_folder(path, files)
        return
    for ending, content in sorted(files.items(), reverse=True):  # the path itself comes last
        write_text(path.with_suffix(ending) if ending else path, content)


def _write_folder(path: Path, files: Files) -> None:
    """A new folder, or one that was empty."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RequestError(f"{str(path)!r} is there already, and brat needs a new folder; name another one.")
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.mkdir()
        for name, content in files.items():
            (fresh / name).write_bytes(content.encode())
        if path.exists() and os.name == "nt":  # where a folder does not replace an empty one
            path.rmdir()
        replace(fresh, path)
    except OSError:
        shutil.rmtree(fresh, ignore_errors=True)
        raise

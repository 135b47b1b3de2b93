"""Tasks to the files that a labelling tool imports."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from taskzoo.durable import replace
from taskzoo.errors import RequestError

from . import brat, doccano, label_studio, prodigy, spacy
from .task_form import PreAnnotated, TaskForm, task_form

Files = Mapping[str, str]
"""Name -> content; the name ``""`` stands for the path itself, one that starts with a dot for that ending instead."""

_WRITERS: Mapping[str, Callable[[Sequence[TaskForm], Sequence[str]], Files]] = {
    "label-studio": label_studio.files,
    "prodigy": prodigy.files,
    "doccano": doccano.files,
    "brat": brat.files,
    "spacy": spacy.files,
}
TOOLS: tuple[str, ...] = tuple(_WRITERS)
"""Names of the tools."""
FOLDERS = ("brat",)
"""Tools that read a folder."""
CONFIGURATION = ".xml"
"""Ending of the labelling configuration that ``label-studio`` has beside its file."""


def write_tasks(path: Path, tool: str, tasks: Sequence[PreAnnotated], labels: Sequence[str] = ()) -> None:
    """Write tasks for a tool, in their order: the whole file or nothing.

    Args:
        path: a file; for ``brat`` a folder, which must not be there or be empty. ``label-studio`` writes the labelling
            configuration next to it, with the ending ``.xml``.
        tool: one of :data:`TOOLS`.
        tasks: one or more.
        labels: names that people may choose besides those that occur in the tasks.

    Raises:
        RequestError: there are no tasks, no such tool, the tool has nothing for such labels, or the place is taken.
        DataError: a row has no text, or a span does not fit its text.
        OSError: the file cannot be written.
    """
    if tool not in _WRITERS:
        raise RequestError(f"There is no labelling tool {tool!r} here; use one of {', '.join(TOOLS)}.")
    if not tasks:
        raise RequestError(f"There are no rows to write for {tool}.")
    check_place(path, tool)
    files = {name: _bytes(text) for name, text in _WRITERS[tool]([task_form(task) for task in tasks], labels).items()}
    if tool in FOLDERS:
        with _new(path) as fresh:
            fresh.mkdir()
            for name, content in files.items():
                (fresh / name).write_bytes(content)
        return
    for ending, content in sorted(files.items(), reverse=True):  # the path itself comes last
        with _new(path.with_suffix(ending) if ending else path) as fresh:
            fresh.write_bytes(content)


def places(path: Path, tool: str | None) -> list[Path]:
    """The files, or the folder, that are written for a tool."""
    return [path, path.with_suffix(CONFIGURATION)] if tool == "label-studio" else [path]


def check_place(path: Path, tool: str) -> None:
    """Refuse a place where something else is.

    Raises:
        RequestError: a folder that is not empty, or a file that would be overwritten by the labelling configuration.
    """
    if tool in FOLDERS:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise RequestError(f"{str(path)!r} is there already, and {tool} needs a new folder; name another one.")
    elif tool == "label-studio":
        configuration = path.with_suffix(CONFIGURATION)
        if configuration == path:
            raise RequestError(f"{str(path)!r} is where the labelling configuration goes; name the tasks .json.")
        if configuration.exists() and not _is_ours(configuration):
            raise RequestError(
                f"{str(configuration)!r}, where the labelling configuration goes, is there already and is not one that "
                "was written here; give the tasks another name, or move that file."
            )


def _is_ours(configuration: Path) -> bool:
    """Whether a file is a labelling configuration that was written here, which may be written anew."""
    if not configuration.is_file():
        return False
    return configuration.read_bytes().rstrip().endswith(label_studio.OURS.encode())


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        around = text[max(0, error.start - 20) : error.end + 20].encode(errors="backslashreplace").decode()
        raise RequestError(f"These rows have half of a character, which no file can hold: {around!r}.") from None


@contextmanager
def _new(path: Path) -> Iterator[Path]:
    """Within the context, the name of a file or folder to write; it then takes the place of ``path``.

    The name is nobody else's, and after an error nothing of it is left.
    """
    fresh = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.new")
    try:
        yield fresh
        if path.is_dir() and os.name == "nt":  # where a folder does not replace an empty one
            path.rmdir()
        replace(fresh, path)
    except BaseException:
        if fresh.is_dir():
            shutil.rmtree(fresh, ignore_errors=True)
        else:
            fresh.unlink(missing_ok=True)
        raise

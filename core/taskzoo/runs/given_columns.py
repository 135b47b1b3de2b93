"""Columns of the test file, by which scores are to be split: ``--by`` of ``zoo report`` and ``zoo audit``."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from taskzoo.config import read_config
from taskzoo.errors import DataError, RequestError
from taskzoo.option_names import option_name
from taskzoo.spec import Column, TaskSpec
from taskzoo.task import Task
from taskzoo.types import Example, Row

from .data import NONE, Files, file_rows


class GivenColumns:
    """The values of columns for rows that have the same input; several rows with one input take them in turn.

    Args:
        columns: their names.
        examples: the rows of the file, as the task prepared them.
        values: of each row, as many as there are columns.
    """

    def __init__(self, columns: Sequence[str], examples: Sequence[Example], values: Sequence[Sequence[str]]) -> None:
        self.columns = list(columns)
        self.unknown = 0
        self._examples, self._values = examples, values
        self._waiting: dict[tuple[str, ...], deque[int]] = {}
        self._roles: tuple[str, ...] | None = None

    def of(self, inputs: Mapping[str, str]) -> Sequence[str] | None:
        """The values for a row with these texts, by role; ``None`` where no row of the file is like it.

        Such rows are counted as :attr:`unknown`.
        """
        if self._roles is None:
            self._roles = tuple(inputs)
            for index, example in enumerate(self._examples):
                key = tuple(str(example.get(role) or "") for role in self._roles)
                self._waiting.setdefault(key, deque()).append(index)
        waiting = self._waiting.get(tuple(inputs.get(role, "") for role in self._roles))
        if not waiting:
            self.unknown += 1
            return None
        return self._values[waiting.popleft() if len(waiting) > 1 else waiting[0]]


def read_columns(
    task: Task, spec: TaskSpec, config: Path, by: Sequence[str], data: Files | None
) -> GivenColumns | None:
    """The columns that are asked for, of ``data``, else of the file that the test rows come from; ``None`` without any.

    Args:
        task: of the run.
        spec: of the task.
        config: the file with the run's configuration, which may be missing where ``data`` is given.
        by: the names of the columns.
        data: the test file.

    Raises:
        RequestError: the file is not there, or has no such column.
        DataError: the file cannot be read.
    """
    if not by:
        return None
    settings = (read_config(config).get("data") or {}) if config.is_file() else {}
    files = data or _test_files(settings)
    roles = {name: f"by {name}" if name not in spec.columns else name for name in by}
    columns = settings.get("test_columns") or settings.get("columns") or {}
    named = {"columns": columns, "format": None if data else settings.get("format")}
    rows = file_rows(_with_columns(spec, roles), task, files, **named)
    for name, role in roles.items():
        if not any(role in row.fields for row in rows):
            nearest = _look_for(name, role, (spec, task, files), named)
            raise RequestError(f"--by {name}: {nearest or f'no row of {_shown(files)} has a value in that column'}.")
    values = [[_value(row.get(role)) for role in roles.values()] for row in rows]
    own = [Row({k: v for k, v in row.fields.items() if k in spec.columns}, row.source, row.line) for row in rows]
    return GivenColumns(by, task.prepare(own, "test"), values)


def _look_for(name: str, role: str, where: tuple[TaskSpec, Task, Files], named: Mapping[str, Any]) -> str:
    """What a reader that must have the column says of its absence, without its advice; ``""`` if it is there."""
    spec, task, files = where
    try:
        asked = {**named, "columns": {**named["columns"], role: name}}
        file_rows(_with_columns(spec, {name: role}), task, files, **asked)
    except DataError as error:
        return str(error).partition("; name it")[0].replace(f" for {role}", "")
    return ""


def _test_files(settings: Mapping[str, Any]) -> Files:
    """The files of the test rows, or those of the training rows, which they were split off."""
    for split in ("test", "train"):
        files: Files = settings.get(split) or ()
        if files and files != NONE:
            return files
    raise RequestError(
        f"--by needs the file of the test rows, and the configuration names none; add {option_name('data', 'FILE')}."
    )


def _with_columns(spec: TaskSpec, roles: Mapping[str, str]) -> TaskSpec:
    """The spec with a role for each further column, which a row may lack."""
    further = {role: Column("a column to report by", names=(name,)) for name, role in roles.items()}
    return replace(spec, columns={**further, **spec.columns})


def _value(value: Any) -> str:
    return "(empty)" if value is None else str(value)


def _shown(files: Files) -> str:
    return repr(str(files) if isinstance(files, str | Path) else ", ".join(map(str, files)))

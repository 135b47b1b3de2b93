"""Columns of the test file, by which scores are to be split: ``--by`` of ``zoo report`` and ``zoo audit``."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from taskzoo.config import read_config
from taskzoo.errors import DataError, RequestError
from taskzoo.metrics.parts import EMPTY
from taskzoo.option_names import option_name
from taskzoo.spec import Column, TaskSpec
from taskzoo.task import Task
from taskzoo.types import Example, Prediction, Row, public

from .data import NONE, Files, file_rows


class GivenColumns:
    """The values of columns for rows that have the same input and, where the file has it, the same gold answer.

    Several such rows take them in turn.

    Args:
        columns: their names.
        examples: the rows of the file, as the task prepared them.
        references: their gold answers.
        values: of each row, as many as there are columns.
    """

    def __init__(
        self,
        columns: Sequence[str],
        examples: Sequence[Example],
        references: Sequence[Prediction],
        values: Sequence[Sequence[str]],
    ) -> None:
        self.columns = list(columns)
        self.asked = self.unknown = self.unsure = 0
        self._examples, self._references, self._values = examples, references, values
        self._waiting: dict[tuple[str, ...], deque[int]] = {}
        self._differing: set[tuple[str, ...]] = set()
        self._roles: tuple[str, ...] | None = None

    def of(self, inputs: Mapping[str, str], reference: Mapping[str, Any]) -> Sequence[str] | None:
        """The values for a row with these texts, by role; ``None`` where no row of the file is like it.

        Such rows are counted as ``unknown``, and those that are like several rows with different values as ``unsure``.
        """
        if self._roles is None:
            self._index(tuple(inputs))
        assert self._roles is not None
        self.asked += 1
        texts = tuple(inputs.get(role, "") for role in self._roles)
        key = next((key for key in ((*texts, _text(reference)), texts) if key in self._waiting), None)
        if key is None:
            self.unknown += 1
            return None
        self.unsure += key in self._differing
        waiting = self._waiting[key]
        return self._values[waiting.popleft() if len(waiting) > 1 else waiting[0]]

    @property
    def notes(self) -> list[str]:
        """What to know of the rows that were asked for."""
        of = f"of {self.asked:,} test rows"
        found = []
        if self.unknown:
            found.append(f"{self.unknown:,} {of} are not in the file with the columns and are left out of its slices.")
        if self.unsure:
            found.append(
                f"{self.unsure:,} {of} are several times in the file with the columns, with different values, and take "
                "these in the order of the file."
            )
        return found

    def _index(self, roles: tuple[str, ...]) -> None:
        """The rows by their texts alone, and by texts and gold answer."""
        self._roles = roles
        for index, (example, reference) in enumerate(zip(self._examples, self._references, strict=True)):
            texts = tuple(str(example.get(role) or "") for role in roles)
            for key in (texts, (*texts, _text(reference))):
                waiting = self._waiting.setdefault(key, deque())
                if waiting and self._values[waiting[0]] != self._values[index]:
                    self._differing.add(key)
                waiting.append(index)


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
    by = list(dict.fromkeys(by))
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
    examples = task.prepare(own, "test")
    return GivenColumns(by, examples, task.references(examples), values)


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
    return EMPTY if value is None or value != value or not str(value).strip() else str(value)


def _text(reference: Mapping[str, Any]) -> str:
    return json.dumps(public(dict(reference)), sort_keys=True, ensure_ascii=False)


def _shown(files: Files) -> str:
    return repr(str(files) if isinstance(files, str | Path) else ", ".join(map(str, files)))

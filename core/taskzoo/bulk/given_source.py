"""Inputs that are not in a file: texts and mappings from the command line, standard input or Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import chain, islice
from typing import Any

from taskzoo.data.streams.records import BadRecord, Item, Record
from taskzoo.data.streams.source import Source
from taskzoo.errors import DataError, RequestError
from taskzoo.runs.inputs import input_rows
from taskzoo.spec import TaskSpec
from taskzoo.task import Task
from taskzoo.types import Row

from . import predicting


class GivenSource(Source):
    """One row per input; a text has one column, which is named as the role that it fills.

    The columns are those of the first chunk, so that an object may lack one.

    Args:
        spec: of the task.
        task: reads the inputs.
        inputs: as :meth:`taskzoo.Run.predict` takes them, or what could not be read; taken when rows are taken.
    """

    def __init__(self, spec: TaskSpec, task: Task, inputs: Iterable[Any]) -> None:
        self._spec, self._task = spec, task
        waiting, self._at = iter(inputs), 0
        self.roles = frozenset(role for role, column in spec.columns.items() if not column.target)
        head = list(islice(waiting, predicting.CHUNK))
        good = [given for given in head if not isinstance(given, BadRecord)]
        told = [given for given in good if not _is_blank_line(given)]
        self.columns = tuple(dict.fromkeys(name for given in told or good[:1] for name in self._values(given)))
        self._inputs = chain(head, waiting)

    def take(self, count: int) -> list[Item]:
        inputs = list(islice(self._inputs, count))
        rows: list[Row | BadRecord] = []
        if not any(isinstance(given, BadRecord) for given in inputs):
            with suppress(DataError):
                rows += input_rows(self._spec, self._task, inputs, first=self._at + 1)
        if len(rows) < len(inputs):
            rows = [self._alone(given, number) for number, given in enumerate(inputs, self._at + 1)]
        self._at += len(inputs)
        pairs = zip(inputs, rows, strict=True)
        return [row if isinstance(row, BadRecord) else Record(row, self._kept(given)) for given, row in pairs]

    def skip(self, count: int) -> int:
        skipped = sum(1 for _ in islice(self._inputs, count))
        self._at += skipped
        return skipped

    def _alone(self, given: Any, number: int) -> Row | BadRecord:
        if isinstance(given, BadRecord):
            return given
        try:
            return input_rows(self._spec, self._task, [given], first=number)[0]
        except DataError as error:
            return BadRecord.of(error, number, self._values(given))

    def _kept(self, given: Any) -> Mapping[str, Any]:
        """What is kept of an input: of a blank line among objects nothing, as its text is in none of their columns."""
        values = self._values(given)
        return {} if _is_blank_line(given) and not values.keys() <= set(self.columns) else values

    def _values(self, given: Any) -> Mapping[str, Any]:
        """The columns of an input."""
        if isinstance(given, str):
            return {self._spec.input_role: given}
        if isinstance(given, Mapping):
            return {str(name): value for name, value in given.items()}
        if isinstance(given, tuple | list):
            return dict(zip(self._task.input_roles, given, strict=False))
        raise RequestError(f"The input is of type {type(given).__name__}; give texts or mappings.")


def _is_blank_line(given: Any) -> bool:
    return isinstance(given, str) and not given.strip()

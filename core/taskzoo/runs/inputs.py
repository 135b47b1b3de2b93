"""What :meth:`taskzoo.Run.predict` takes: texts, pairs of texts, mappings, several of them, or a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from taskzoo.data.columns import Columns
from taskzoo.data.readers.values import plain
from taskzoo.errors import DataError, RequestError
from taskzoo.spec import TaskSpec
from taskzoo.task import Task
from taskzoo.types import Row

from .data import make_request
from .memory import rows_from_memory

SOURCE = "input"
"""What inputs are called in messages."""


def is_single(task: Task, inputs: Any) -> bool:
    """Whether this is one input: a text, a mapping or, where the run reads pairs, a tuple of two texts."""
    one = isinstance(inputs, str) or (isinstance(inputs, Mapping) and not is_table(inputs))
    return one or (isinstance(inputs, tuple) and _is_pair(task, inputs))


def input_rows(spec: TaskSpec, task: Task, inputs: Any, *, first: int = 1) -> list[Row]:
    """A row for every input, in order. A row of which every input is blank has no field but the blank text itself.

    Args:
        spec: of the task.
        task: the rows are for it.
        inputs: as :meth:`taskzoo.Run.predict` takes them.
        first: the number of the first of them, which is its line.

    Raises:
        RequestError: something is not an input; with its type.
        DataError: a mapping lacks what the task needs, or a text is not text.
    """
    request = make_request(spec, task, labelled=False, incomplete=True)
    if is_single(task, inputs):
        inputs = [inputs]
    if is_table(inputs):
        rows = rows_from_memory(inputs, request, SOURCE)
    elif isinstance(inputs, str | bytes | bytearray) or not isinstance(inputs, Iterable) or _is_scalar(inputs):
        raise RequestError(f"The input is of type {type(inputs).__name__}; {_forms(spec, task)}.")
    else:
        items = inputs.to_pylist() if hasattr(inputs, "to_pylist") else inputs  # an array of pyarrow
        numbered = [(number, _named(spec, task, item, number)) for number, item in enumerate(items, first)]
        rows = _rows(numbered, Columns(request, SOURCE))
    for row in rows:
        _check_characters(row)
    return rows


def is_blank(spec: TaskSpec, row: Row) -> bool:
    """Whether a row holds nothing to predict for: all its inputs are missing, empty or whitespace."""
    return all(_is_empty(row.get(role)) for role, column in spec.columns.items() if not column.target)


def check_complete(spec: TaskSpec, row: Row) -> None:
    """Refuse, by a :class:`DataError`, a row that has some of its inputs and lacks a required one."""
    for role, column in spec.columns.items():
        if column.required and not column.target and _is_empty(row.get(role)):
            raise DataError(f"the {role} is empty; fill it in or remove the row.", file=row.source, line=row.line)


def _rows(numbered: list[tuple[int, dict[str, Any]]], columns: Columns) -> list[Row]:
    """Rows of mappings; those with the same keys are read together, so that a text and a mapping may be mixed."""
    kinds: dict[tuple[str, ...], list[tuple[int, dict[str, Any]]]] = {}
    found: dict[int, Row] = {}
    for number, item in numbered:
        if all(map(_is_empty, item.values())):
            found[number] = Row(item, columns.source, number)
        else:
            kinds.setdefault(tuple(item), []).append((number, item))
    for items in kinds.values():
        found |= {number: row for (number, _), row in zip(items, columns.rows(items), strict=True)}
    return [found[number] for number, _ in numbered]


def _named(spec: TaskSpec, task: Task, item: Any, number: int) -> dict[str, Any]:
    """An input as a mapping."""
    if isinstance(item, str):
        return {spec.input_role: item}
    if isinstance(item, Mapping):
        return {str(name): plain(value) for name, value in item.items()}
    if isinstance(item, tuple | list) and _is_pair(task, item):
        return dict(zip(task.input_roles, item, strict=True))
    raise RequestError(f"{SOURCE}: item {number} is of type {type(item).__name__}; {_forms(spec, task)}.")


def _is_pair(task: Task, item: Any) -> bool:
    roles = task.input_roles
    return len(roles) > 1 and len(item) == len(roles) and all(isinstance(text, str) for text in item)


def is_table(inputs: Any) -> bool:
    """Whether this is a data frame, a pyarrow table or a data set, which has named columns."""
    if type(inputs).__module__.partition(".")[0] == "datasets":
        return True
    return hasattr(inputs, "columns") and any(hasattr(inputs, name) for name in ("iloc", "to_dicts", "to_pylist"))


def _is_scalar(inputs: Any) -> bool:
    """Whether this is an array without dimensions, which says that it can be iterated and cannot."""
    return getattr(inputs, "ndim", 1) == 0


def _is_empty(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_empty, value))
    return value is None or (isinstance(value, str) and not value.strip())


def _check_characters(row: Row) -> None:
    """Refuse half characters, which bytes that are not UTF-8 become and which no tokenizer takes."""
    for role, value in row.fields.items():
        for text in value if isinstance(value, list | tuple) else [value]:
            try:
                text.encode() if isinstance(text, str) else None
            except UnicodeEncodeError:
                message = f"the {role} holds half of a character (a lone surrogate); it was not read as UTF-8."
                raise DataError(message, file=row.source, line=row.line) from None


def _forms(spec: TaskSpec, task: Task) -> str:
    roles = [role for role, column in spec.columns.items() if not column.target]
    pair = f"a pair of them for {' and '.join(task.input_roles)}, " if len(task.input_roles) > 1 else ""
    return f"give a text, {pair}a mapping with the keys {', '.join(roles)}, or several of these"

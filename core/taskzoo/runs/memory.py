"""Rows that are given from Python instead of a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from taskzoo.data.columns import Columns
from taskzoo.data.readers import ReadRequest
from taskzoo.data.readers.values import plain
from taskzoo.errors import RequestError
from taskzoo.spec import TaskSpec
from taskzoo.types import Row

MemoryRows = Iterable[Mapping[str, Any]] | Mapping[str, Any] | tuple[Sequence[Any], Sequence[Any]] | Any
"""Mappings, a mapping of columns, ``(inputs, targets)``, a data frame, or a split of the library ``datasets``."""


def rows_from_memory(values: MemoryRows, request: ReadRequest, source: str) -> list[Row]:
    """Rows with their places, counted from 1; keys are read as the columns of a file are.

    Args:
        values: mappings of one row each, as a list or any other iterable; a mapping of columns; a data frame of pandas
            or polars; a ``datasets.Dataset``; or ``(inputs, targets)``, where inputs are values of the task's first
            input, mappings or a data frame of several; or any number of tuples ``(input, target)``.
        request: what is wanted of them.
        source: what they are, for messages.

    Raises:
        RequestError: anything else, or a column is missing.
    """
    columns = Columns(request, source)
    origin = type(values).__module__.partition(".")[0]
    if origin == "datasets" and hasattr(values, "select_columns") and hasattr(values, "column_names"):
        return _dataset_rows(values, columns)
    return columns.rows(list(enumerate(_objects(values, request, source), 1)))


def splits_in_memory(memory: Mapping[str, MemoryRows]) -> dict[str, MemoryRows]:
    """Split -> rows; several splits that were given at once as training rows (a ``DatasetDict``) are taken apart."""
    train = memory.get("train")
    if not isinstance(train, Mapping) or type(train).__module__.partition(".")[0] != "datasets":
        return dict(memory)
    from taskzoo.data.hub import name_splits

    parts = {split: train[name] for split, name in name_splits(train).items()}
    if "train" not in parts:
        raise RequestError(f"train: none of the splits {', '.join(map(str, train))} is for training.")
    return {**parts, **{split: values for split, values in memory.items() if split != "train"}}


def input_mappings(spec: TaskSpec, inputs: Any) -> list[Any]:
    """Texts and mappings as mappings; anything else as it is, to be refused by its place."""
    if isinstance(inputs, str | Mapping):
        inputs = [inputs]
    if not _is_items(inputs):
        raise RequestError(
            f"The input is of type {type(inputs).__name__}; give a text, a mapping with the keys "
            f"{', '.join(role for role, column in spec.columns.items() if not column.target)}, or several of these."
        )
    return [{spec.input_role: item} if isinstance(item, str) else item for item in inputs]


def _objects(values: Any, request: ReadRequest, source: str) -> list[dict[str, Any]]:
    """One mapping for each row, as plain values."""
    spec = request.spec
    pair = values if isinstance(values, tuple) and len(values) == 2 else (None,)
    if all(_is_items(part) and not isinstance(part, Mapping) for part in pair):
        items: Any = _pairs(spec, values[0], values[1], source)
    elif isinstance(values, Mapping):
        items = _by_columns(values, source)
    else:
        items = _frame_rows(values, source)
    if not _is_items(items):
        raise RequestError(f"{source}: this is of type {type(values).__name__}; {_forms(spec)}.")
    found = []
    for number, item in enumerate(items, 1):
        if isinstance(item, tuple) and len(item) == 2:
            item = _pair(spec, *item)
        if not isinstance(item, Mapping):
            raise RequestError(f"{source}: item {number} is of type {type(item).__name__}; {_forms(spec)}.")
        found.append({str(name): plain(value) for name, value in item.items()})
    return found


def _frame_rows(values: Any, source: str) -> Any:
    """The rows of a data frame or a table as mappings, the values of a column of one; anything else as it is."""
    if hasattr(values, "to_dicts"):  # polars
        return values.to_dicts()
    if hasattr(values, "to_dict") and hasattr(values, "iloc") and hasattr(values, "columns"):  # pandas
        if not values.columns.is_unique:
            twice = str(values.columns[values.columns.duplicated()][0])
            raise RequestError(f"{source}: two columns of the data frame are named {twice!r}; rename one.")
        return values.to_dict(orient="records")
    return values.to_pylist() if hasattr(values, "to_pylist") else values  # pyarrow


def _pairs(spec: TaskSpec, inputs: Any, targets: Any, source: str) -> list[dict[str, Any]]:
    inputs, targets = (list(_frame_rows(part, source)) for part in (inputs, targets))
    if len(inputs) != len(targets):
        raise RequestError(f"{source}: {len(inputs)} inputs but {len(targets)} targets.")
    return [_pair(spec, given, answer) for given, answer in zip(inputs, targets, strict=True)]


def _pair(spec: TaskSpec, given: Any, answer: Any) -> dict[str, Any]:
    """One row of an input, or a mapping of several, and its target, or a mapping that has the target's column."""
    first, target = ([role for role, column in spec.columns.items() if column.target is t][:1] for t in (False, True))
    if not first or not target:
        raise RequestError(f"The task {spec.id!r} has no target to give in (inputs, targets); give mappings.")
    known = {name for role, column in spec.columns.items() for name in (role, *column.names)}
    row = (
        dict(given) if isinstance(given, Mapping) else {spec.input_role if isinstance(given, str) else first[0]: given}
    )
    return {**row, **(answer if isinstance(answer, Mapping) and known & answer.keys() else {target[0]: answer})}


def _by_columns(values: Mapping[str, Any], source: str) -> list[dict[str, Any]]:
    """The rows of a mapping from names to equally long columns."""
    if single := [name for name, column in values.items() if not _is_items(column)]:
        raise RequestError(f"{source}: a mapping holds a list of values for each column, and {single[0]!r} is not one.")
    columns = {name: list(column) for name, column in values.items()}
    if len({len(column) for column in columns.values()}) > 1:
        sizes = ", ".join(f"{name} {len(column)}" for name, column in columns.items())
        raise RequestError(f"{source}: columns differ in length: {sizes}.")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _dataset_rows(values: Any, columns: Columns) -> list[Row]:
    """Rows of a ``datasets.Dataset`` or a stream of one."""
    from datasets import Dataset

    from taskzoo.data.hub import dataset_rows

    if isinstance(values, Mapping):
        raise RequestError(
            f"{columns.source}: this holds the splits {', '.join(map(str, values))}; pass one of them, such as "
            f"data[{next(iter(values), 'train')!r}]."
        )
    if not isinstance(values, Dataset):
        values = Dataset.from_list(list(values), features=values.features)
    return dataset_rows(values, columns) if len(values) else []


def _is_items(values: Any) -> bool:
    """Whether these are several values, and not a text."""
    if getattr(values, "ndim", 1) == 0:  # an array that is one number
        return False
    return isinstance(values, Iterable) and not isinstance(values, str | bytes)


def _forms(spec: TaskSpec) -> str:
    return f"give (inputs, targets), a data frame, or mappings with the keys {', '.join(spec.columns)}"

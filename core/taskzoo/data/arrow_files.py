"""Records in an Arrow file that stays on the disk: written batch by batch, read one at a time or all in order.

The file is mapped into memory, so what is read of it is the system's to drop. Integers and lists of integers, of which
features are mostly made, are read without pyarrow's objects for single values.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np


class NotStorableError(Exception):
    """The values have no form that an Arrow file gives back as it was."""


def schema_of(records: Sequence[Mapping[str, Any]]) -> Any:
    """The ``pyarrow.Schema`` in which these records come back equal, but for tuples, which are lists.

    Raises:
        NotStorableError: there is none, e.g. as records have different names or a value is an array.
    """
    import pyarrow as pa

    names = list(records[0])
    try:
        fields = []
        for name in names:
            kind = pa.array([record[name] for record in records]).type
            if pa.types.is_list(kind) and pa.types.is_integer(kind.value_type):
                kind = pa.list_(pa.int32())
            fields.append(pa.field(name, kind))
        schema = pa.schema(fields)
        batch = batch_of(records, schema)
    except (pa.ArrowException, KeyError, TypeError, ValueError, OverflowError) as error:
        raise NotStorableError(str(error)) from error
    given = ([record[name] for name in names] for record in records)
    if not all(same(list(one), other) for one, other in zip(_records(batch), given, strict=True)):
        raise NotStorableError("some values come back otherwise")
    return schema


def batch_of(records: Sequence[Mapping[str, Any]], schema: Any) -> Any:
    """The records as a ``pyarrow.RecordBatch``.

    Raises:
        NotStorableError: one of them does not have this form.
    """
    import pyarrow as pa

    for record in records:
        if len(record) != len(schema.names):
            raise NotStorableError(f"a record has {', '.join(record)}, and others have {', '.join(schema.names)}")
    try:
        columns = [pa.array([record[name] for record in records], schema.field(name).type) for name in schema.names]
    except (pa.ArrowException, KeyError, TypeError, ValueError, OverflowError) as error:
        raise NotStorableError(str(error)) from error
    return pa.RecordBatch.from_arrays(columns, schema=schema)


class ArrowFile:
    """The records of a file that ``pyarrow.ipc.new_file`` wrote, as tuples of the values under ``names``."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa

        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        self.names: list[str] = reader.schema.names
        self._batches = [reader.get_batch(i) for i in range(reader.num_record_batches)]
        self._starts = [0, *np.cumsum([batch.num_rows for batch in self._batches]).tolist()]
        self._columns: list[list[Callable[[int], Any]] | None] = [None] * len(self._batches)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        number = bisect_right(self._starts, index) - 1
        columns = self._columns[number]
        if columns is None:
            columns = self._columns[number] = [_getter(column) for column in self._batches[number].columns]
        place = index - self._starts[number]
        return tuple([get(place) for get in columns])

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for batch in self._batches:
            yield from _records(batch)


def _records(batch: Any) -> Iterator[tuple[Any, ...]]:
    return zip(*map(_values, batch.columns), strict=True)


def _getter(array: Any) -> Callable[[int], Any]:
    """From a place in an array to its value."""
    if parts := _integer_lists(array):
        values, offsets = parts
        return lambda place: values[offsets[place] : offsets[place + 1]].tolist()
    if _is_plain(array):
        numbers = array.to_numpy()
        return lambda place: numbers[place].item()
    return lambda place: array[place].as_py()


def _values(array: Any) -> list[Any]:
    if parts := _integer_lists(array):
        values, offsets = parts[0].tolist(), parts[1].tolist()
        return [values[start:end] for start, end in pairwise(offsets)]
    found: list[Any] = array.to_numpy().tolist() if _is_plain(array) else array.to_pylist()
    return found


def _integer_lists(array: Any) -> tuple[np.ndarray, np.ndarray] | None:
    """All values of lists of integers and where each list begins and ends; ``None`` for anything else."""
    import pyarrow as pa

    is_list = pa.types.is_list(array.type) and pa.types.is_integer(array.type.value_type)
    if not is_list or array.null_count or array.values.null_count:
        return None
    return array.values.to_numpy(), array.offsets.to_numpy()


def _is_plain(array: Any) -> bool:
    import pyarrow as pa

    return not array.null_count and (pa.types.is_integer(array.type) or pa.types.is_float64(array.type))


def same(one: Any, other: Any) -> bool:
    """Whether a value came back as ``other`` went in."""
    if isinstance(other, list | tuple):
        return isinstance(one, list) and len(one) == len(other) and all(map(same, one, other))
    if isinstance(other, Mapping):
        return isinstance(one, dict) and one.keys() == other.keys() and all(same(one[k], other[k]) for k in other)
    return type(one) is type(other) and (one == other or (one != one and other != other))

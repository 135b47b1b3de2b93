"""Rows that are given from Python instead of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from taskzoo.data.readers import GROUP, LANGUAGES, parse_group
from taskzoo.data.readers.languages import Languages, nested_names
from taskzoo.data.readers.objects import reach
from taskzoo.errors import RequestError, UnknownNameError
from taskzoo.task import Row, TaskSpec

MemoryRows = Sequence[Mapping[str, Any]] | tuple[Sequence[Any], Sequence[Any]]


def rows_from_memory(
    spec: TaskSpec,
    values: MemoryRows,
    source: str,
    group: str | None = None,
    languages: Mapping[str, str] | None = None,
) -> list[Row]:
    """Rows from ``(inputs, targets)`` - the task's first two columns - or from mappings of roles.

    Args:
        values: the rows.
        source: what they are, for messages.
        group: a further key of the mappings that says which rows belong together (``KEY`` or ``KEY:SEPARATOR``).
        languages: role -> code, for a task whose roles have a language; keys may then be named by it.

    Raises:
        RequestError: lists of unequal length, or items that are not mappings.
    """
    grouping = None if group is None else parse_group(group)
    if isinstance(values, tuple) and len(values) == 2 and grouping is None:
        inputs, targets = values
        if len(inputs) != len(targets):
            raise RequestError(f"{source}: {len(inputs)} inputs but {len(targets)} targets.")
        first, second = list(spec.columns)[:2]
        return [Row({first: a, second: b}, source, i) for i, (a, b) in enumerate(zip(inputs, targets, strict=True), 1)]
    spoken = Languages(languages or {})
    named = _named_by_language(spec, values, spoken, source)
    rows = []
    for number, value in enumerate(values, 1):
        if not isinstance(value, Mapping):
            raise RequestError(
                f"{source}: item {number} is a {type(value).__name__}; give (inputs, targets) or a list of mappings "
                f"with the keys {', '.join(spec.columns)}."
            )
        known = {*spec.columns, *(name.partition(".")[0] for name in named.values())}
        known |= {LANGUAGES} if spoken else set()
        for key in value:
            if key not in known and (grouping is None or key != grouping.column):
                raise UnknownNameError(f"column of {spec.id}", str(key), spec.columns)
        fields = {key: item for key, item in value.items() if key in spec.columns}
        fields |= {role: reach(dict(value), name) for role, name in named.items()}
        if codes := spoken.written(value.get(LANGUAGES)) or spoken.codes():
            fields[LANGUAGES] = codes
        if grouping is not None:
            fields[GROUP] = grouping.of(value.get(grouping.column), source, number)
        rows.append(Row(fields, source, number))
    return rows


def _named_by_language(spec: TaskSpec, values: MemoryRows, spoken: Languages, source: str) -> dict[str, str]:
    """role -> key named by its language, from the first item."""
    first = values[0] if len(values) else None
    if not spoken or not isinstance(first, Mapping):
        return {}
    return spoken.columns([*map(str, first), *nested_names(first)], spec.columns, {}, source)

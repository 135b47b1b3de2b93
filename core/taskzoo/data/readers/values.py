"""Checks of single values that all formats share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...errors import DataError
from ...task import Row


def make_row(values: Mapping[str, Any], required: frozenset[str], source: str, line: int) -> Row:
    """A row of the values that are there.

    Raises:
        DataError: a required value is null, empty or blank.
    """
    fields: dict[str, Any] = {}
    for role, value in values.items():
        if value is not None and not (isinstance(value, str) and not value.strip()):
            fields[role] = value
        elif role in required:
            raise DataError(f"the {role} is empty; fill it in or remove the row.", file=source, line=line)
    return Row(fields, source, line)


def named(value: Any, names: Sequence[str] | None) -> Any:
    """The class name of an integer, or of each in a list; what has no name stays."""
    if names is None:
        return value
    if isinstance(value, list):
        return [named(v, names) for v in value]
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else value


def mixed_types(values: Iterable[Any]) -> dict[str, int]:
    """Kind of value -> index of the first one, when there is more than one kind; else nothing.

    Kinds: ``truth value``, ``number`` (whole or not), ``text``, ``list``, ``object``, ``null``. For tasks, to
    refuse labels such as ``1`` in one row and ``"1"`` in another.
    """
    first: dict[str, int] = {}
    for index, value in enumerate(values):
        first.setdefault(_kind(value), index)
    return first if len(first) > 1 else {}


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "truth value"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "text"
    return "list" if isinstance(value, (list, tuple)) else "object"

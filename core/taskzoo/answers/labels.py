"""Labels as readers give them, brought to text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from taskzoo.data.readers import mixed_types
from taskzoo.errors import DataError
from taskzoo.task import Row


def check_types(rows: Sequence[Row]) -> None:
    """Refuse labels of mixed types, such as ``1`` in one row and ``"1"`` in another.

    Raises:
        DataError: with the file and line of the first label of the second kind.
    """
    given = [row for row in rows if row.get("label") is not None]
    kinds = mixed_types(row["label"] for row in given)
    if kinds:
        (first, a), (second, b) = list(kinds.items())[:2]
        raise DataError(
            f"the label {given[b]['label']!r} is of the kind {second}, but {given[a]['label']!r} on line "
            f"{given[a].line} is of the kind {first}; write all labels alike.",
            file=given[b].source,
            line=given[b].line,
        )


def one_label(row: Row, advice: str = "give one") -> str:
    """The label as text, without blanks around it.

    Args:
        row: a row as a reader found it.
        advice: what to do about several labels.

    Raises:
        DataError: missing, empty, or no single label.
    """
    value = row.get("label")
    if value is None or (isinstance(value, str) and not value.strip()):
        raise DataError("the label is missing or empty; fill it in or remove the row.", file=row.source, line=row.line)
    if isinstance(value, list | tuple):
        raise DataError(
            f"the label {value!r} is a list and one label per text was asked for; {advice}.",
            file=row.source,
            line=row.line,
        )
    return label_name(row, value)


def label_name(row: Row, value: Any) -> str:
    """A single label of ``row`` as text, without blanks around it: ``True`` is ``true``, ``1.0`` is ``1``.

    Raises:
        DataError: it is neither text nor number.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():  # Parquet and pandas write 1 as 1.0 where a cell is empty
        return str(int(value))
    if isinstance(value, str | int | float):
        return str(value).strip()
    raise DataError(f"the label {value!r} is neither text nor number.", file=row.source, line=row.line)


def in_order(names: Iterable[str]) -> list[str]:
    """Label names sorted; as numbers if they all are whole numbers, so that 2 stands before 10."""
    names = set(names)
    if all(re.fullmatch("-?[0-9]+", name) for name in names):
        return sorted(names, key=lambda name: (int(name), name))
    return sorted(names)


def few(names: Sequence[str], limit: int = 8) -> str:
    """The first names, quoted, and how many more there are."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(map(repr, names[:limit])) + more

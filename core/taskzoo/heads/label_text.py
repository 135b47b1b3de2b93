"""Labels as readers give them, turned into text."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from taskzoo.data.readers.values import mixed_types, plain
from taskzoo.errors import DataError, shown
from taskzoo.types import Row

from .written_lists import is_broken_list, written_list

MOST_DIFFERENT = 100_000
"""So many labels are told apart without their rows; more are numbers, or texts."""


def label_value(row: Row) -> Any:
    """The label as plain Python; a list that a program wrote into a cell is a list.

    Raises:
        DataError: a list that cannot be read.
    """
    value = plain(row.get("label"))
    if not isinstance(value, str):
        return _chosen(value)
    written = written_list(value)
    if written is None and is_broken_list(value):
        raise DataError(
            f"the label {shown(value)} looks like a list that a program wrote, and cannot be read; write it as JSON.",
            file=row.source,
            line=row.line,
        )
    return value if written is None else _chosen(plain(written))


def _chosen(value: Any) -> Any:
    """The labels of ``{"choices": [...]}``, as Label Studio writes several in one column; any other value as it is."""
    is_choice = isinstance(value, Mapping) and list(value) == ["choices"] and isinstance(value["choices"], list)
    return value["choices"] if is_choice else value


def check_types(rows: Sequence[Row]) -> None:
    """Refuse labels of mixed types, such as ``1`` in one row and ``"1"`` in another; choices may stand beside text.

    Raises:
        DataError: with the file and line of the first label of the second kind.
    """
    labels = [(row, plain(row.get("label"))) for row in rows]
    given = [(row, label) for row, label in labels if label is not None and _chosen(label) is label]
    kinds = mixed_types(label for _, label in given)
    if kinds:
        (first, a), (second, b) = list(kinds.items())[:2]
        (earlier, known), (row, label) = given[a], given[b]
        raise DataError(
            f"the label {shown(label)} is of the kind {second}, but {shown(known)} on line {earlier.line} is of the "
            f"kind {first}; write all labels alike.",
            file=row.source,
            line=row.line,
        )


def one_label(row: Row, advice: str = "give one") -> str:
    """The label as text, without whitespace around it; a list of one label is that label.

    Args:
        row: a row as a reader found it.
        advice: what to do about several labels.

    Raises:
        DataError: missing, empty, or not a single label.
    """
    value = label_value(row)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value is None or (isinstance(value, str) and not value.strip()):
        raise DataError("the label is missing or empty; fill it in or remove the row.", file=row.source, line=row.line)
    if isinstance(value, list):
        raise DataError(
            f"the label {shown(value)} is a list and one label per text was asked for; {advice}.",
            file=row.source,
            line=row.line,
        )
    return label_name(row, value)


def label_name(row: Row, value: Any) -> str:
    """A single label of ``row`` as text, without whitespace around it: ``True`` is ``true``, ``1.0`` is ``1``.

    Raises:
        DataError: it is neither text nor number.
    """
    value = plain(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():  # Parquet and pandas write 1 as 1.0 where a cell is empty
        return str(int(value))
    if isinstance(value, str | int | float):
        return str(value).strip()
    raise DataError(f"the label {shown(value)} is neither text nor number.", file=row.source, line=row.line)


def one_of_each_label(rows: Iterable[Row], most: int = MOST_DIFFERENT) -> list[Row] | None:
    """The first row of each label as it is written, in order; ``None`` where there are more than ``most`` labels."""
    found: dict[Hashable, Row] = {}
    for row in rows:
        label = row.get("label")
        key = label if isinstance(label, str) else (type(label), repr(label))
        if key not in found:
            found[key] = row
            if len(found) > most:
                return None
    return list(found.values())


def in_order(names: Iterable[str]) -> list[str]:
    """Label names sorted; by value if they all are whole numbers, so that 2 comes before 10."""
    names = set(names)
    if all(re.fullmatch("-?[0-9]+", name) for name in names):
        return sorted(names, key=lambda name: (int(name), name))
    return sorted(names)


def few(names: Sequence[str], limit: int = 8) -> str:
    """The first names, quoted, and how many more there are."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(map(repr, names[:limit])) + more


def describe_counts(counts: Mapping[str, int]) -> str:
    """How many labels there are and how many rows the rarest and the most frequent have; empty without labels."""
    if not counts:
        return ""
    ordered = sorted(counts, key=lambda name: -counts[name])
    most, least = ordered[0], ordered[-1]
    return f"{len(ordered)} labels, from {counts[least]} rows ({least}) to {counts[most]} ({most})"

"""Whether texts have one label or several, and how several are read from one cell."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from taskzoo import DataError, Row
from taskzoo.data.readers.values import plain
from taskzoo.heads.label_text import label_name

SEPARATORS = (",", ";", "|")
"""Tried on cells that may hold several labels."""


def find_kind(rows: Sequence[Row], asked: str, separator: str) -> tuple[str, str]:
    """``("single" or "multi", separator of labels in a cell or "")`` for training rows.

    Rows have several labels if a label is a list (also one written as JSON in a cell), if ``separator`` is given and
    occurs, or if a separator divides some cells into parts that all occur as whole cells of other rows: ``4,27``
    among ``4`` and ``27``, but not ``Washington, D.C.``.
    """
    values = [plain(row.get("label")) for row in rows]
    if asked == "single":
        return "single", ""
    cells = {value.strip() for value in values if isinstance(value, str)}
    if any(isinstance(value, list) or _is_list(value) for value in values):
        return "multi", separator
    if separator:
        return ("multi", separator) if asked == "multi" or any(separator in cell for cell in cells) else ("single", "")
    found = next((mark for mark in SEPARATORS if _divides(cells, mark)), "")
    if not found and asked == "multi":
        counts = Counter(mark for cell in cells for mark in SEPARATORS if mark in cell)
        found = counts.most_common(1)[0][0] if counts else ""
    return ("multi" if found or asked == "multi" else "single"), found


def several_labels(row: Row, separator: str) -> list[str]:
    """The labels as texts, each once, in the order given. An empty list is a text without labels.

    Raises:
        DataError: missing, or a label that is empty.
    """
    value = plain(row.get("label"))
    if value is None:
        raise DataError(
            "the label is missing; write [] for a text without labels, or remove the row.",
            file=row.source,
            line=row.line,
        )
    if _is_list(value):
        value = json.loads(value)
    elif isinstance(value, str):
        value = value.split(separator) if separator else [value]
    elif not isinstance(value, list):
        value = [value]
    names = [label_name(row, part) for part in value]
    if any(not name for name in names):
        raise DataError(f"one of the labels {value!r} is empty.", file=row.source, line=row.line)
    return list(dict.fromkeys(names))


def _is_list(value: Any) -> bool:
    if not isinstance(value, str) or not value.strip().startswith("["):
        return False
    try:
        return isinstance(json.loads(value), list)
    except ValueError:
        return False


def _divides(cells: set[str], mark: str) -> bool:
    divided = [cell for cell in cells if mark in cell]
    return bool(divided) and all(part.strip() in cells for cell in divided for part in cell.split(mark))

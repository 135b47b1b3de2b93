"""Lists that are marked in a cell and cannot be told from names by one cell alone: ``{a,b}``, ``<D>a</D><D>b</D>``."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from typing import Any

_BRACES, _ELEMENTS = "braces", "elements"
_FORMS = {
    _BRACES: re.compile(r"\{([^{}]*)\}"),  # an array of PostgreSQL
    _ELEMENTS: re.compile(r"\s*(?:<(\w+)>[^<>]*</\1>\s*)+"),  # as in Reuters-21578
}
_ELEMENT = re.compile(r"<(\w+)>([^<>]*)</\1>")


def find_marks(values: Sequence[Any]) -> str:
    """How the lists of a column are marked: every cell is, and one at least has several items or none; or empty.

    Args:
        values: cells as text; those that are lists in themselves (``{1,2}``, ``{}``) are read.
    """
    cells = {value for value in values if isinstance(value, str)}
    others = [value for value in values if not isinstance(value, str)]
    if not cells or not all(isinstance(value, list) or value == {} for value in others):
        return ""
    for marks in _FORMS:
        items = [marked_items(cell, marks) for cell in cells]
        if None not in items and (others or any(len(found or ()) != 1 for found in items)):
            return marks
    return ""


def marked_items(cell: str, marks: str) -> list[str] | None:
    """The items of one cell; ``None``: it is not marked so."""
    found = _FORMS[marks].fullmatch(cell.strip())
    if found is None:
        return None
    if marks == _ELEMENTS:
        return [item.strip() for _, item in _ELEMENT.findall(cell)]
    items = next(csv.reader([found[1]], escapechar="\\", doublequote=False, skipinitialspace=True), [])
    return [item.strip() for item in items]

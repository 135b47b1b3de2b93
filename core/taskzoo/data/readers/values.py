"""Checks and forms of single values that files, data sets and rows in memory share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any


def plain(value: Any) -> Any:
    """Plain Python for scalars and arrays of NumPy and torch, decimals, and what pandas puts where a value is missing.

    NaN is ``None``. Containers are looked into; anything else stays.
    """
    if value is None or type(value) in (str, int, bool):
        return value
    if isinstance(value, float):
        return None if math.isnan(value) else float(value)
    if isinstance(value, Decimal):
        if value.is_nan():
            return None
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(map(plain, value), key=str)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    if type(value).__module__.partition(".")[0] in ("numpy", "torch") and hasattr(value, "tolist"):
        return plain(value.tolist())
    return value


def named(value: Any, names: Sequence[str] | None) -> Any:
    """The class name of an integer, or of each in a list; -1 is no class, and what else has no name stays."""
    if names is None:
        return value
    if isinstance(value, list):
        return [named(v, names) for v in value]
    if value == -1 and isinstance(value, int):  # how data sets of the hub mark a label that is not given
        return None
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

"""Values as JSON, and as the text of a cell."""

from __future__ import annotations

import json
import math
from typing import Any

from taskzoo.data.readers.values import plain


def to_json(value: Any) -> str:
    """A value as JSON in one line; what JSON has no form for is text, and a number that is none is ``null``."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, default=_plain)


def to_cell(value: Any) -> str:
    """A value as the text of a cell: nothing for a missing one, JSON for lists and objects."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float | list | dict):
        return to_json(value)
    return to_cell(_plain(value))


def _plain(value: Any) -> Any:
    """A value that JSON has no form for, as one that it has."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    found = plain(value)
    return found if found is None or isinstance(found, str | bool | int | float | list | dict) else str(found)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list | tuple) else value

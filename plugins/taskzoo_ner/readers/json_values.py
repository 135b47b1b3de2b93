"""JSON values of a file with the lines on which they begin."""

from __future__ import annotations

import json
import re
from typing import Any

from taskzoo.data.columns import Columns

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")


def json_values(text: str, columns: Columns, *, array: bool | None = None) -> list[tuple[int, Any]]:
    """The items of an array, or values one after the other, such as one per line.

    Args:
        text: of the file.
        columns: of the file, for messages.
        array: whether the file is one array; ``None``: if it begins like one.

    Raises:
        DataError: broken JSON, with its line.
    """
    at = _skip(text, 0)
    inside = text[at : at + 1] == "[" if array is None else array
    at = _skip(text, at + 1) if inside else at
    found: list[tuple[int, Any]] = []
    line, counted = 1, 0
    while at < len(text) and not (inside and text[at] == "]"):
        line, counted = line + text.count("\n", counted, at), at
        try:
            value, at = _DECODER.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise columns.error(f"broken JSON at column {error.colno} ({error.msg}).", error.lineno) from None
        except (ValueError, RecursionError) as error:
            raise columns.error(f"this JSON cannot be used ({error}).", line) from None
        found.append((line, value))
        at = _skip(text, at)
        if inside and text[at : at + 1] not in (",", "]"):
            raise columns.error("the array breaks off or lacks a comma.", text.count("\n", 0, at) + 1)
        at = _skip(text, at + 1) if text[at : at + 1] == "," else at
    return found


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at

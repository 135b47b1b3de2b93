"""JSON: objects one per line or over several lines, in an array, or inside one object.

A file that is one object holds rows in one of these forms; else the object is one row.

* A list of objects under one key, as ``{"data": [...]}``; or another object of these forms.
* Columns: ``{"text": [...], "label": [...]}``, or with an index, as pandas writes them by default.
* Rows by name: ``{"17": {"text": ...}, ...}``; or a list of columns and one of rows, ``{"columns": ..., "data": ...}``.
* What the server of the Hugging Face hub sends: ``{"features": [...], "rows": [{"row": {"text": ...}}]}``.

A column name may reach into an object by a dot, as in ``--columns source=translation.en``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from taskzoo.errors import DataError
from taskzoo.types import Row

from ..columns import Columns
from .base import FileReader
from .files import to_text
from .json_values import Numbered, broken, json_values
from .names import SPLIT_WORDS, extension, listed

_Numbered = tuple[int, dict[str, Any]]  # line number and object


class JsonLines(FileReader):
    """One row per object, with the line that it starts on."""

    name = "jsonl"
    suffixes: ClassVar[tuple[str, ...]] = (".jsonl", ".ndjson", ".json")  # an array is detected from its content

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        text = to_text(data, columns.source)
        answers = columns.request.incomplete and not columns.request.labelled  # each line is to have one
        objects = _objects(json_values(text, columns, empty_lines=answers), columns)
        if text.lstrip().startswith("["):
            return columns.rows(objects)
        if len(objects) == 1 and (extension(Path(columns.source)) not in (".jsonl", ".ndjson") or "\n" in text.strip()):
            objects = _rows_inside(*objects[0], text, columns)
        return columns.rows(objects)


class JsonArray(JsonLines):
    """The same, by the name that people know it by."""

    name = "json"
    suffixes: ClassVar[tuple[str, ...]] = ()


def _objects(values: Sequence[Numbered], columns: Columns) -> list[_Numbered]:
    """The values, which must be objects."""
    objects: list[_Numbered] = []
    for line, value in values:
        if isinstance(value, dict):
            objects.append((line, value))
        else:
            message = f"a JSON {type(value).__name__} instead of an object"
            columns.leave_out(broken(message, columns.source, line))
    return objects


def _rows_inside(line: int, value: dict[str, Any], text: str, columns: Columns) -> list[_Numbered]:
    """The rows of the one object of a file."""
    if columns.are_header(list(value)) or columns.languages.are_header(list(value)):
        return [(line, row) for row in _by_column(value, columns)]
    names, data = value.get("columns"), value.get("data")
    if isinstance(names, list) and isinstance(data, list) and all(isinstance(row, list) for row in data):
        return [(line, dict(zip(map(str, names), row, strict=False))) for row in data]
    lists = [name for name, inner in value.items() if _all_objects(inner)]
    if "features" in lists and "rows" in lists and all(isinstance(row.get("row"), dict) for row in value["rows"]):
        return [(line, row["row"]) for line, row in _placed(line, value["rows"], text, "rows", columns)]
    if len(lists) > 1:
        splits = "the splits" if all(name.lower() in SPLIT_WORDS for name in lists) else "several lists of rows,"
        message = f"this file holds {splits} {listed(lists)}; write each to a file of its own"
        raise columns.error(f"{message}, e.g. with jq .{lists[0]} FILE > {lists[0]}.json.", line)
    if lists:
        return _placed(line, value[lists[0]], text, lists[0], columns)
    inner = [item for item in value.values() if isinstance(item, dict)]
    if inner and len(inner) == len(value) and any(columns.are_header(list(item)) for item in inner[:1]):
        rows = [row for item in inner for row in _by_column(item, columns)] if len(inner) == 1 else inner
        return [(line, row) for row in rows]
    return _rows_inside(line, inner[0], text, columns) if len(inner) == 1 else [(line, value)]


def _all_objects(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(isinstance(item, dict) for item in value)


def _placed(line: int, rows: Sequence[dict[str, Any]], text: str, name: str, columns: Columns) -> list[_Numbered]:
    """The rows under a key with their lines; with ``line``, that of the object, where they are not found in the text.

    The key may stand in other objects too, so what follows it must be these rows.
    """
    for found in re.finditer(rf"{re.escape(json.dumps(name, ensure_ascii=False))}\s*:\s*(?=\[)", text):
        before = text.count("\n", 0, found.end())
        try:
            values = json_values(text[found.end() :], columns, alone=False)
        except DataError:
            continue
        if [row for _, row in values] == rows:
            return [(before + at, row) for at, row in values]
    return [(line, row) for row in rows]


def _by_column(value: dict[str, Any], columns: Columns) -> list[dict[str, Any]]:
    """The rows of columns, as lists or with an index; the object itself where it is a row."""
    cells = list(value.values())
    if all(isinstance(column, dict) for column in cells) and len({tuple(column) for column in cells}) == 1:
        return [dict(zip(value, row, strict=True)) for row in zip(*(column.values() for column in cells), strict=True)]
    if not all(isinstance(column, list) for column in cells) or len({len(column) for column in cells}) > 1:
        return [value]
    reads_lists = "conll" in columns.request.spec.formats  # its columns are lists, one token each
    if reads_lists and not any(isinstance(cell, list | Mapping) for column in cells for cell in column):
        return [value]
    return [dict(zip(value, row, strict=True)) for row in zip(*cells, strict=True)]

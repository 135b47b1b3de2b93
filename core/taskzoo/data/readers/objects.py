"""JSON: objects one per line or over several lines, in an array, or inside one object.

A file that is one object holds rows in one of these forms; else the object is one row.

* A list of objects under one key, as ``{"data": [...]}``; or another object of these forms.
* Columns: ``{"text": [...], "label": [...]}``, or with an index, as pandas writes them by default.
* Rows by name: ``{"17": {"text": ...}, ...}``; or a list of columns and one of rows, ``{"columns": ..., "data": ...}``.

A column name may reach into an object by a dot, as in ``--columns source=translation.en``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from taskzoo.errors import DataError
from taskzoo.types import Row

from ..columns import Columns
from .base import FileReader
from .files import split_lines, to_text
from .names import SPLIT_WORDS, extension, listed

_Numbered = tuple[int, dict[str, Any]]  # line number and object


class JsonLines(FileReader):
    """One row per object, with the line that it starts on."""

    name = "jsonl"
    suffixes: ClassVar[tuple[str, ...]] = (".jsonl", ".ndjson", ".json")  # an array is detected from its content

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        text = to_text(data, columns.source)
        start = text.lstrip()
        if start.startswith("["):
            return columns.rows(_array(text, columns.source, _skip(text, 0)))
        by_line = _is_complete(start.partition("\n")[0])
        objects = _lines(text, columns) if by_line else _objects(text, columns.source)
        if len(objects) == 1 and (extension(Path(columns.source)) not in (".jsonl", ".ndjson") or "\n" in text.strip()):
            objects = _rows_inside(*objects[0], text, columns)
        return columns.rows(objects)


class JsonArray(JsonLines):
    """The same, by the name that people know it by."""

    name = "json"
    suffixes: ClassVar[tuple[str, ...]] = ()


def _is_complete(line: str) -> bool:
    """Whether the line is JSON by itself."""
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _lines(text: str, columns: Columns) -> list[_Numbered]:
    """An object on each line; empty lines are skipped, or empty objects where every line is to have an answer."""
    objects: list[_Numbered] = []
    answers = columns.request.incomplete and not columns.request.labelled
    for number, line in enumerate(split_lines(text, columns.source), start=1):
        if not line.strip():
            objects += [(number, {})] if answers else []
            continue
        try:
            value, end = _decode(line, _skip(line, 0), columns.source, number)
            if rest := line[end:].strip():
                raise _broken(f"something stands after the object ({rest[0]!r})", columns.source, number)
            objects.append((number, _object(value, line, columns.source, number)))
        except DataError as error:
            columns.leave_out(error)
    return objects


def _objects(text: str, source: str) -> list[_Numbered]:
    """Objects one after the other, each over any number of lines."""
    objects: list[_Numbered] = []
    line, counted, at = 1, 0, _skip(text, 0)
    while at < len(text):
        line, counted = line + text.count("\n", counted, at), at
        if text[at] == "," and objects:
            raise _broken("a comma stands between objects; remove it, or write one array", source, line)
        value, end = _decode(text, at, source, line)
        objects.append((line, _object(value, text[at:end], source, line)))
        at = _skip(text, end)
    return objects


def _array(text: str, source: str, at: int, *, alone: bool = True) -> list[_Numbered]:
    """The objects of the array that starts at a position; ``alone``: nothing may stand after it."""
    objects = []
    line, counted, at = 1, 0, _skip(text, at + 1)
    while text[at : at + 1] != "]":
        line, counted = line + text.count("\n", counted, at), at
        value, end = _decode(text, at, source, line)
        objects.append((line, _object(value, text[at:end], source, line)))
        at = _skip(text, end)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
            if text[at : at + 1] != "]":
                continue
        elif text[at : at + 1] == "]":
            break
        raise _broken("the array breaks off or lacks a comma", source, text.count("\n", 0, at) + 1)
    if alone and text[at + 1 :].strip():
        raise _broken("something stands after the array", source, text.count("\n", 0, at) + 1)
    return objects


def _decode(text: str, at: int, source: str, line: int) -> tuple[Any, int]:
    """The value that starts at a position on ``line``, and where it ends."""
    try:
        return _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as error:
        if text[error.pos : error.pos + 1] == "'":
            python = "this is a Python dictionary and not JSON, which has double quotes; write it with json.dumps"
            raise _broken(python, source, line + text.count("\n", at, error.pos)) from None
        message = f"broken JSON at column {error.colno} ({error.msg})"
        raise _broken(message, source, line + text.count("\n", at, error.pos)) from None
    except RecursionError:
        raise _broken("this JSON cannot be used (nested too deeply)", source, line) from None
    except ValueError as error:
        reason = re.split("[:;]", str(error))[0]  # Python's advice on long numbers is for programmers
        raise _broken(f"this JSON cannot be used ({reason})", source, line) from None


def _rows_inside(line: int, value: dict[str, Any], text: str, columns: Columns) -> list[_Numbered]:
    """The rows of the one object of a file."""
    if columns.are_header(list(value)) or columns.languages.are_header(list(value)):
        return [(line, row) for row in _by_column(value, columns)]
    names, data = value.get("columns"), value.get("data")
    if isinstance(names, list) and isinstance(data, list) and all(isinstance(row, list) for row in data):
        return [(line, dict(zip(map(str, names), row, strict=False))) for row in data]
    lists = [name for name, inner in value.items() if _all_objects(inner)]
    if len(lists) > 1:
        splits = "the splits" if all(name.lower() in SPLIT_WORDS for name in lists) else "several lists of rows,"
        message = f"this file holds {splits} {listed(lists)}; write each to a file of its own"
        raise columns.error(f"{message}, e.g. with jq .{lists[0]} FILE > {lists[0]}.json.", line)
    if lists:
        return _placed(text, lists[0], columns.source) or [(line, row) for row in value[lists[0]]]
    inner = [item for item in value.values() if isinstance(item, dict)]
    if inner and len(inner) == len(value) and any(columns.are_header(list(item)) for item in inner[:1]):
        rows = [row for item in inner for row in _by_column(item, columns)] if len(inner) == 1 else inner
        return [(line, row) for row in rows]
    return _rows_inside(line, inner[0], text, columns) if len(inner) == 1 else [(line, value)]


def _all_objects(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(isinstance(item, dict) for item in value)


def _placed(text: str, name: str, source: str) -> list[_Numbered]:
    """The objects of the array under a key, with their lines; nothing where another key of the name comes first."""
    found = re.search(rf"{re.escape(json.dumps(name, ensure_ascii=False))}\s*:\s*(?=\[)", text)
    if found is None:
        return []
    before = text.count("\n", 0, found.end())
    try:
        return [(before + line, row) for line, row in _array(text[found.end() :], source, 0, alone=False)]
    except DataError:
        return []


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


def _object(value: Any, written: str, source: str, line: int) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _broken(f"a JSON {type(value).__name__} instead of an object", source, line)
    if "\\u" in written:  # half of a surrogate pair is legal JSON and breaks every tokenizer
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise _broken("an escape holds half of a character (a lone surrogate)", source, line) from None
    return value


def _broken(message: str, source: str, line: int) -> DataError:
    return DataError(f'{message}; a row is one object such as {{"text": ...}}.', file=source, line=line)


def _skip(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\t", "\r", "\n"):
        at += 1
    return at


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(k for k in keys if keys.count(k) > 1)!r} occurs twice")
    return result


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_without_repeats, parse_constant=_no_constant)

"""JSON objects: one per line (JSON lines), or in one array.

A column name may reach into an object by a dot, as in ``--columns source=translation.en``.
"""

from __future__ import annotations

import json
from typing import Any

from taskzoo.errors import DataError
from taskzoo.types import Row

from ..columns import Columns
from .base import FileReader
from .files import split_lines, to_text

_Numbered = tuple[int, dict[str, Any]]  # line number and object


class JsonLines(FileReader):
    """One row per line; empty lines are skipped."""

    name = "jsonl"
    suffixes = (".jsonl", ".ndjson", ".json")  # an array is detected from its content

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        return columns.rows(_lines(to_text(data, columns.source), columns.source))


class JsonArray(FileReader):
    """One row per object of the array, with the line that the object starts on."""

    name = "json"

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        return columns.rows(_array(to_text(data, columns.source), columns.source))


def _lines(text: str, source: str) -> list[_Numbered]:
    objects = []
    for number, line in enumerate(split_lines(text, source), start=1):
        if not line.strip():
            continue
        try:
            value = _DECODER.decode(line)
        except json.JSONDecodeError as error:
            raise _broken(f"broken JSON at column {error.colno} ({error.msg})", source, number) from None
        except (ValueError, RecursionError) as error:
            raise _broken(f"this JSON cannot be used ({error})", source, number) from None
        objects.append((number, _object(value, line, source, number)))
    return objects


def _array(text: str, source: str) -> list[_Numbered]:
    objects = []
    line, counted, at = 1, 0, _skip(text, 0)
    if text[at : at + 1] != "[":
        raise _broken("a JSON array of objects starts with '['", source, text.count("\n", 0, at) + 1)
    at = _skip(text, at + 1)
    while text[at : at + 1] != "]":
        line, counted = line + text.count("\n", counted, at), at
        try:
            value, end = _DECODER.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise _broken(f"broken JSON at column {error.colno} ({error.msg})", source, error.lineno) from None
        except (ValueError, RecursionError) as error:
            raise _broken(f"this JSON cannot be used ({error})", source, line) from None
        objects.append((line, _object(value, text[at:end], source, line)))
        at = _skip(text, end)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
            if text[at : at + 1] != "]":
                continue
        elif text[at : at + 1] == "]":
            break
        raise _broken("the array breaks off or lacks a comma", source, text.count("\n", 0, at) + 1)
    if text[at + 1 :].strip():
        raise _broken("something stands after the array", source, text.count("\n", 0, at) + 1)
    return objects


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

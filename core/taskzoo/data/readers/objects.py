"""JSON objects: one per line (JSON lines), or in one array.

A column name may reach into an object by a dot, as in ``--columns source=translation.en``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...errors import DataError
from ...task import Row
from .columns import match_names
from .files import split_lines
from .languages import LANGUAGES, Languages, nested_names
from .values import make_row

_Numbered = tuple[int, dict[str, Any]]  # line number and object


def read_lines(
    text: str,
    source: str,
    roles: Mapping[str, str],
    required: frozenset[str],
    columns: Mapping[str, str],
    languages: Languages,
) -> list[Row]:
    """One row per line; blank lines are skipped.

    Raises:
        DataError: broken JSON, something other than an object, a repeated key, a missing or empty value.
    """
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
    return _rows(objects, source, roles, required, columns, languages)


def read_array(
    text: str,
    source: str,
    roles: Mapping[str, str],
    required: frozenset[str],
    columns: Mapping[str, str],
    languages: Languages,
) -> list[Row]:
    """One row per object of the array, with the line that the object starts on.

    Raises:
        DataError: as :func:`read_lines`, or the file is not one array.
    """
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
    return _rows(objects, source, roles, required, columns, languages)


def reach(value: dict[str, Any], name: str) -> Any:
    """The value of a key, or of keys inside one another; ``None`` where there is none."""
    if name in value:
        return value[name]
    head, dot, rest = name.partition(".")
    inner = value.get(head)
    return reach(inner, rest) if dot and isinstance(inner, dict) else None


def _rows(
    objects: list[_Numbered],
    source: str,
    roles: Mapping[str, str],
    required: frozenset[str],
    columns: Mapping[str, str],
    languages: Languages,
) -> list[Row]:
    if not objects:
        return []
    names = list(dict.fromkeys(name for _, value in objects for name in value))
    names += [name for name in columns.values() if "." in name and name not in names and name.split(".")[0] in names]
    inside = nested_names(objects[0][1]) if languages else []
    columns = {**columns, **languages.columns([*names, *inside], roles, columns, source, objects[0][0])}
    names += [name for name in inside if name in columns.values()]
    where = match_names(names, roles, required, columns, source, objects[0][0])
    rows = []
    for line, value in objects:
        for role, name in where.items():
            if role in required and name not in value and reach(value, name) is None:
                raise DataError(f"no {name!r} here, which other rows have for {role}.", file=source, line=line)
        fields = {role: reach(value, name) for role, name in where.items()}
        if languages and (codes := languages.written(value.get(LANGUAGES))):
            fields[LANGUAGES] = codes
        rows.append(make_row(fields, required, source, line))
    return rows


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

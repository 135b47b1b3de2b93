"""JSON values with the lines that they start on: one per line, one after the other over several lines, or an array."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from taskzoo.errors import DataError

from ..columns import Columns
from .files import split_lines

Numbered = tuple[int, Any]
"""Line number and value."""

_SPACE = re.compile(r"[ \t\r\n]*")


def begins_as_json(head: bytes) -> bool:
    """Whether a file that begins so may be JSON: an object or an array."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"[", b"{")


def json_values(text: str, columns: Columns, *, alone: bool = True, empty_lines: bool = False) -> list[Numbered]:
    """The items of an array, or the values of a file; of arrays on several lines each is a value.

    Args:
        text: of the file.
        columns: of the file; values that cannot be used are left out where the request allows it.
        alone: whether nothing else may follow; ``False``: the text starts with an array, and that is all to be read.
        empty_lines: whether an empty line between values of one line each stands for an empty object.

    Raises:
        DataError: broken JSON, with its line.
    """
    start = _skip(text, 0)
    first, _, rest = text[start:].partition("\n")
    is_array = first.startswith("[")
    if is_array and (not alone or not rest.strip()):
        return _items(text, columns, start, alone=alone)
    if _is_complete(first):
        return _by_line(text, columns, empty_lines=empty_lines)
    return _items(text, columns, start, alone=True) if is_array else _sequence(text, columns)


def broken(message: str, source: str, line: int) -> DataError:
    """The error for what is not JSON as it is read here."""
    return DataError(f'{message}; a row is one object such as {{"text": ...}}.', file=source, line=line)


def _by_line(text: str, columns: Columns, *, empty_lines: bool) -> list[Numbered]:
    """A value on each line."""
    found: list[Numbered] = []
    for number, line in enumerate(split_lines(text, columns.source), start=1):
        if not line.strip():
            found += [(number, {})] if empty_lines else []
            continue
        with columns.leaving_out():
            found.append((number, json_line(line, columns.source, number)))
    return found


def json_line(line: str, source: str, number: int) -> Any:
    """The value on a line.

    Raises:
        DataError: it is broken, or something stands after it.
    """
    value, end = _decode(line, _skip(line, 0), source, number)
    if rest := line[end:].strip():
        raise broken(f"something stands after the value ({rest[0]!r})", source, number)
    _refuse_surrogates(value, line, source, number)
    return value


def _sequence(text: str, columns: Columns) -> list[Numbered]:
    """Values one after the other, each over any number of lines."""
    found: list[Numbered] = []
    line, counted, at = 1, 0, _skip(text, 0)
    while at < len(text):
        line, counted = line + text.count("\n", counted, at), at
        if text[at] == "," and found:
            message = "a comma stands between objects; remove it, or write one array"
            raise broken(message, columns.source, line)
        value, end = _decode(text, at, columns.source, line)
        with columns.leaving_out():
            _refuse_surrogates(value, text[at:end], columns.source, line)
            found.append((line, value))
        at = _skip(text, end)
    return found


def _items(text: str, columns: Columns, at: int, *, alone: bool) -> list[Numbered]:
    """The items of the array that starts at a position."""
    found: list[Numbered] = []
    line, counted, at = 1, 0, _skip(text, at + 1)
    while text[at : at + 1] != "]":
        line, counted = line + text.count("\n", counted, at), at
        value, end = _decode(text, at, columns.source, line)
        with columns.leaving_out():
            _refuse_surrogates(value, text[at:end], columns.source, line)
            found.append((line, value))
        at = _skip(text, end)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
            if text[at : at + 1] != "]":
                continue
            message = "a comma stands before the end of the array; remove it"
        elif text[at : at + 1] == "]":
            break
        else:
            message = "the array breaks off or lacks a comma"
        raise broken(message, columns.source, text.count("\n", 0, at) + 1)
    if alone and text[at + 1 :].strip():
        raise broken("something stands after the array", columns.source, text.count("\n", 0, at) + 1)
    return found


def _decode(text: str, at: int, source: str, line: int) -> tuple[Any, int]:
    """The value that starts at a position on ``line``, and where it ends."""
    try:
        return _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as error:
        if text[error.pos : error.pos + 1] == "'":
            python = "this is a Python dictionary and not JSON, which has double quotes; write it with json.dumps"
            raise broken(python, source, line + text.count("\n", at, error.pos)) from None
        message = f"broken JSON at column {error.colno} ({error.msg})"
        raise broken(message, source, line + text.count("\n", at, error.pos)) from None
    except RecursionError:
        raise broken("this JSON cannot be used (nested too deeply)", source, line) from None
    except ValueError as error:
        reason = re.split("[:;]", str(error))[0]  # Python's advice on long numbers is for programmers
        raise broken(f"this JSON cannot be used ({reason})", source, line) from None


def _refuse_surrogates(value: Any, written: str, source: str, line: int) -> None:
    """Half of a surrogate pair is legal JSON and breaks every tokenizer."""
    if "\\u" in written:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise broken("an escape holds half of a character (a lone surrogate)", source, line) from None


def _is_complete(line: str) -> bool:
    """Whether the line is JSON by itself."""
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError(f"the key {repeated_key(pairs)!r} occurs twice")
    return result


def repeated_key(pairs: Iterable[tuple[str, Any]]) -> str:
    """The first key that was there before; ``""``: there is none."""
    seen = set[str]()
    for key, _ in pairs:
        if key in seen:
            return key
        seen.add(key)
    return ""


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_without_repeats, parse_constant=_no_constant)

"""Rows checked: spans with exact character offsets, which may overlap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from taskzoo import DataError, Example, Row

_SHOWN = 60  # characters of a value in a message


class Span(NamedTuple):
    """The characters from ``start`` to ``end`` (exclusive), and their label."""

    start: int
    end: int
    label: str


def prepare_row(row: Row, *, labelled: bool) -> Example:
    """``text``; ``spans``: sorted, none twice, without whitespace at their ends, or ``None`` without labels.

    Raises:
        DataError: there is no text, or a span is of another form or does not fit the text.
    """
    text = row.get("text")
    if not isinstance(text, str) or not text.strip():
        raise DataError("the text is missing or empty.", file=row.source, line=row.line)
    if not labelled:
        return row.example(text=text, spans=None)
    given = row["spans"]
    if not isinstance(given, list | tuple):
        raise _error(row, f"the spans are {_quoted(given)} and must be a list of {{start, end, label}}")
    return row.example(text=text, spans=sorted({_span(row, text, span) for span in given}))


def _span(row: Row, text: str, value: Any) -> Span:
    if isinstance(value, list | tuple) and len(value) == 3:
        value = dict(zip(("start", "end", "label"), value, strict=True))
    if not isinstance(value, Mapping):
        raise _error(row, f"the span {_quoted(value)} must be {{start, end, label}} or [start, end, label]")
    start, end, label = (value.get(name) for name in ("start", "end", "label"))
    if type(start) is not int or type(end) is not int or not isinstance(label, str) or not label.strip():
        raise _error(row, f"the span {_quoted(dict(value))} needs whole numbers start and end, and a label")
    if not 0 <= start < end <= len(text):
        raise _error(
            row,
            f"the span {start}-{end} ({label}) is empty or outside the text of {len(text)} characters; offsets count "
            "characters from 0, the end exclusive",
        )
    said, inside = value.get("text"), text[start:end]
    if isinstance(said, str) and said.strip() != inside.strip():
        raise _error(row, f"the span {start}-{end} ({label}) says {_quoted(said)}, and the text has {_quoted(inside)}")
    if not inside.strip():
        raise _error(row, f"the span {start}-{end} ({label}) holds nothing but whitespace")
    start += len(inside) - len(inside.lstrip())
    return Span(start, start + len(inside.strip()), label.strip())


def _error(row: Row, message: str) -> DataError:
    return DataError(f"{message}.", file=row.source, line=row.line)


def _quoted(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."

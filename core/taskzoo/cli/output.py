"""Printing results: JSON, tables and lists of facts, always to stdout; remarks go to stderr.

A terminal gets a wrapped table; a pipe gets plain aligned columns, one line per row.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from taskzoo.errors import UnknownNameError
from taskzoo.escapes import visible, visible_cell, visible_json

FORMATS = ("text", "html", "json")


def shape_of(format: str | None, output: str | None, what: str) -> str:
    """The one of :data:`FORMATS` that is asked for, or that the name of the file ``output`` says.

    Raises:
        UnknownNameError: there is no such format of ``what``.
    """
    if format is None:
        ending = Path(output or "").suffix.lower()
        return {".html": "html", ".htm": "html", ".json": "json", ".jsonl": "json"}.get(ending, "text")
    if format not in FORMATS:
        raise UnknownNameError(f"format of {what}", format, FORMATS, f"There are {', '.join(FORMATS)}.")
    return format


def print_json(value: Any) -> None:
    """``value`` as indented JSON."""
    print(_json(value, indent=2, default=str))


def print_json_line(value: Any) -> None:
    """``value`` as JSON in one line, whatever characters its texts have."""
    print(_json(value, allow_nan=False))


def _json(value: Any, **how: Any) -> str:
    unicode = (sys.stdout.encoding or "utf-8").lower().replace("-", "").startswith("utf")
    return visible_json(json.dumps(value, ensure_ascii=not unicode, **how))


def print_table(headers: Sequence[str], rows: Sequence[Sequence[str]], origins: Sequence[str] = ()) -> None:
    """Rows under upper-case headers, with a column for their ``origins`` where these are not all the same."""
    if len(set(origins)) > 1:
        headers, rows = [*headers, "source"], [[*row, origin] for row, origin in zip(rows, origins, strict=True)]
    lines = [[header.upper() for header in headers], *([visible_cell(cell) for cell in row] for row in rows)]
    if sys.stdout.isatty():
        _print_wrapped(lines)
        return
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def print_facts(*facts: tuple[str, str | None]) -> None:
    """``name  value`` lines; facts without a value are left out."""
    given = [(name, value) for name, value in facts if value]
    width = max((len(name) for name, _ in given), default=0)
    for name, value in given:
        print(f"{name.ljust(width)}  {visible(value)}")


def remark(message: str) -> None:
    """One line for the person, not for the pipe."""
    print(visible(message), file=sys.stderr)


def short_count(number: int | None) -> str:
    """``22713216`` as ``22.7M``; nothing for None."""
    if number is None:
        return ""
    for limit, unit in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if number >= limit:
            return f"{number / limit:.3g}{unit}"
    return str(number)


def settings(values: dict[str, Any]) -> str:
    """``{"baseline": True}`` as it is written after ``--set``: ``baseline=true``."""
    return " ".join(
        f"{name}={json.dumps(value, default=str) if not isinstance(value, str) else value}"
        for name, value in values.items()
    )


def _print_wrapped(lines: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*lines[0], box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(table.columns):
        column.overflow = "fold"
        column.no_wrap = number == 0  # names are there to be copied
    for row in lines[1:]:
        table.add_row(*map(Text, row))
    Console().print(table)

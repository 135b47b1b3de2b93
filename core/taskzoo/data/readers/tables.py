"""CSV and TSV.

CSV is read with quotes, and may hold newlines inside them. Its separator is the comma; if the first line has none
outside quotes, and several columns are needed or it becomes a header, it is the tab, ``;`` or ``|``. TSV is read
without quotes: a quotation mark is a character like any other.

Whether the first line is a header:

* a column mapped by name needs a header, so there is one;
* with columns mapped by position there is none, unless the cell at such a position is a name of its role and
  does not occur again in that column;
* with nothing mapped, it is a header when one of its cells is a name of a role, or its cells name the languages of
  all roles that have one.

A file of one column without a header is the one role required, or the task's input when none is. Without a header,
the first two columns are the texts of two languages where their scripts tell which is which.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence

from taskzoo.types import Row

from ..column_names import option, position, quoted, same_name
from ..columns import Columns
from ..groups import GROUP
from .base import FileReader
from .files import split_lines, to_text

_Record = tuple[int, list[str]]  # line number and cells
_SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
_LONGEST_FIELD = 2**31 - 1  # the csv module's own limit is 131,072 characters


class Csv(FileReader):
    """One row per record, with the line that the record starts on."""

    name = "csv"
    suffixes = (".csv",)

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        text = to_text(data, columns.source)
        separator = _separator(split_lines(text, columns.source), columns)
        # csv.reader needs the line ends as they are: those inside quotes belong to the value.
        physical = [line + "\n" for line in text.split("\n")]
        physical[-1] = physical[-1][:-1]
        records = []
        start = 1
        before = csv.field_size_limit(_LONGEST_FIELD)
        try:
            reader = csv.reader(physical, delimiter=separator, strict=True)
            for cells in reader:
                if physical[start - 1].strip():
                    records.append((start, cells))
                start = reader.line_num + 1
        except csv.Error as error:
            message = "a stray carriage return stands in this record; remove it or put the value in quotes."
            if "new-line character" not in str(error):
                fix = "a quotation mark inside quotes must be doubled, and --format tsv reads tabs without quotes"
                message = f"this record is broken CSV ({error}); {fix}."
            raise columns.error(message, start) from None
        finally:
            csv.field_size_limit(before)
        return _rows(records, columns, f"a value with {_SEPARATORS[separator]} must stand in quotes")


class Tsv(FileReader):
    """One row per line that is not empty."""

    name = "tsv"
    suffixes = (".tsv",)

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        lines = split_lines(to_text(data, columns.source), columns.source)
        records = [(number, line.split("\t")) for number, line in enumerate(lines, start=1) if line.strip()]
        return _rows(records, columns, "a value must hold neither tab nor newline; --format csv reads values in quotes")


def _rows(records: Sequence[_Record], columns: Columns, ragged_hint: str) -> list[Row]:
    if not records:
        return []
    line, first = records[0]
    if len(first) == 1 and _several(columns):
        others = [name for mark, name in _SEPARATORS.items() if mark in first[0]]
        looks = f"it looks separated by {others[0]}, so try --format csv" if others else "is this the right file?"
        needed = ", ".join(sorted(columns.required | columns.mapped.keys()))
        raise columns.error(f"one column only, {quoted(first)}, and {needed} are needed; {looks}.", line)
    for number, cells in records:
        if len(cells) != len(first):
            here = f"{len(cells)} column{'s' if len(cells) > 1 else ''} here"
            raise columns.error(f"{here} and {len(first)} on line {line}; {ragged_hint}.", number)
    header = _has_header(records, columns)
    where = _with_header(records[0], columns) if header else _without_header(records, columns)
    rows = []
    for number, cells in records[1:] if header else records:
        if header and cells == first:
            raise columns.error("the header stands here again; remove this line.", number)
        rows.append(columns.row({role: cells[index] for role, index in where.items()}, number))
    if not rows:
        raise columns.error("there is a header and no row.", line)
    return rows


def _has_header(records: Sequence[_Record], columns: Columns) -> bool:
    """The rule at the top of this file."""
    positions = {role: position(name) for role, name in columns.mapped.items()}
    if None in positions.values():
        return True
    first, others = records[0][1], [cells for _, cells in records[1:]]
    if columns.languages.are_header(first) and not (positions and first in others):
        return True
    for role in columns.roles:
        number = positions.get(role)
        for index in range(len(first)) if number is None else [number % len(first)]:
            named = any(same_name(first[index], name) for name in columns.names_of(role))
            if named and (number is None or all(cells[index] != first[index] for cells in others)):
                return True
    return False


def _with_header(record: _Record, columns: Columns) -> dict[str, int]:
    """Role -> column."""
    line, first = record
    hint = f", or by position if the file has no header (--columns {_positions_to_type(columns)})"
    names = [name.strip() for name in first]
    return columns.find(names, known=_by_position(columns, len(first)), line=line, hint=hint)


def _without_header(records: Sequence[_Record], columns: Columns) -> dict[str, int]:
    """Role -> column."""
    line, first = records[0]
    where = _by_position(columns, len(first))
    if not where and len(first) == 1 and len(columns.required) < 2:
        return {next(iter(columns.required), columns.request.spec.input_role): 0}
    if not where.keys() - {GROUP}:
        scripts = columns.languages.by_script([cells for _, cells in records])
        where |= {role: index for role, index in scripts.items() if role in columns.roles}
    if missing := columns.unfound(where):
        message = f"the first line names no column for {', '.join(missing)}: {quoted(first)}; give column names"
        positions = f"if it is not a header, positions (--columns {_positions_to_type(columns)})"
        raise columns.error(f"{message} ({option(missing[:1], 'NAME')}) or, {positions}.", line)
    columns.check_distinct(where)
    return where


def _by_position(columns: Columns, count: int) -> dict[str, int]:
    mapped = columns.mapped.items()
    return {role: columns.at(role, name, count) for role, name in mapped if position(name) is not None}


def _positions_to_type(columns: Columns) -> str:
    """``text=0,label=1``."""
    return ",".join(f"{role}={index}" for index, role in enumerate(columns.wanted()))


def _several(columns: Columns) -> bool:
    """Whether more than one column is needed."""
    return len(columns.required | columns.mapped.keys()) > 1


def _separator(lines: Sequence[str], columns: Columns) -> str:
    """The comma, or what separates the first line where that has one cell only."""
    first = next((line for line in lines if line.strip()), "")
    if len(next(csv.reader([first]))) == 1:
        for mark in ("\t", ";", "|"):
            cells = next(csv.reader([first], delimiter=mark))
            header = columns.are_header(cells) or columns.languages.are_header(cells)
            if len(cells) > 1 and (_several(columns) or header):
                return mark
    return ","

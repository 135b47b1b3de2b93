"""CSV and TSV.

CSV has quotes, and may hold newlines inside them; TSV has them where it was clearly written so. :mod:`.dialects` finds
what separates cells and what quotes mean.

Whether the first line is a header:

* a column mapped by name needs a header, so there is one; a number is a name where the table has no such position and
  the first line such a cell;
* with columns mapped by position there is none, unless the cell at such a position is a name of its role and
  does not occur again in that column, or the cells at all of them are just these positions (``0,1``) and do not;
* with nothing mapped, it is a header when one of its cells is a name of a role, or its cells name the languages of
  all roles that have one.

A file of one column without a header is the one role required, or the task's input when none is. Without a header,
the first two columns are the texts of two languages where their scripts tell which is which.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from taskzoo.option_names import option_name
from taskzoo.types import Row

from ..column_names import option, position, quoted, same_name
from ..columns import Columns
from ..groups import GROUP
from ..likely_columns import likely_columns
from .base import FileReader
from .dialects import SEPARATORS, Dialect, Record, csv_dialect, needs_several, records, tsv_has_quotes
from .files import split_lines, to_text

_LINES_ABOVE = 10  # that may stand above a header
_MARKS = re.compile(r"\s*([^\w\s]+)\s*")


class Csv(FileReader):
    """One row per record, with the line that the record starts on."""

    name = "csv"
    suffixes = (".csv",)

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        text = to_text(data, columns.source)
        split_lines(text, columns.source)  # refuses lone carriage returns
        dialect = csv_dialect(text, columns)
        return _rows(list(records(text, dialect, columns)), columns, quotes_hint(dialect), in_quotes=True)


class Tsv(FileReader):
    """One row per line that is not empty; per record where cells stand in quotes."""

    name = "tsv"
    suffixes = (".tsv",)

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        text = to_text(data, columns.source)
        in_quotes = tsv_has_quotes(text)
        if in_quotes:
            found = list(records(text, Dialect("\t"), columns))
        else:
            lines = split_lines(text, columns.source)
            found = [(n, line.split("\t") if line.strip() else []) for n, line in enumerate(lines, start=1)]
        return _rows(found, columns, tabs_hint(), in_quotes=in_quotes)


def quotes_hint(dialect: Dialect) -> str:
    """What to do about a record of another width in CSV."""
    return f"a value with {SEPARATORS.get(dialect.separator, repr(dialect.separator))} must stand in quotes"


def tabs_hint() -> str:
    """What to do about a record of another width in TSV."""
    return f"a value must hold neither tab nor newline; {option_name('format', 'csv')} reads values in quotes"


def _why_one_column(found: Sequence[Record], columns: Columns, *, in_quotes: bool) -> str:
    """What to do about a first line with one cell, in words."""
    first = found[0][1][0]
    for number, cells in found[1:_LINES_ABOVE]:
        split = [cells, *("".join(cells[:1]).split(mark) for mark in SEPARATORS)]
        if any(len(names) > 1 and columns.are_header(names) for names in split):
            return f"line {number} looks like the header, so remove the lines above it"
    others = [name for mark, name in SEPARATORS.items() if mark in first]
    if others and in_quotes:
        return f"the line stands in quotes as a whole, so remove them if its {others[0]} separate columns"
    if others:
        return f"it looks separated by {others[0]}, so try {option_name('format', 'csv')}"
    if (odd := _MARKS.findall(first)) and columns.are_header(_MARKS.split(first)):
        known = ", ".join(SEPARATORS.values())
        one = f", or with a first line sep={odd[0]}" if len(odd[0]) == 1 else ""
        return f"it looks separated by {odd[0]}, so write it with one of {known}{one}"
    return "name the right file"


def _rows(found: Sequence[Record], columns: Columns, ragged_hint: str, *, in_quotes: bool) -> list[Row]:
    found = _without_blank_lines(found, columns)
    if not found:
        return []
    _refuse_one_column(found, columns, in_quotes=in_quotes)
    even = []
    for number, cells in found:
        with columns.leaving_out():
            check_width(cells, number, found[0], ragged_hint, columns)
            even.append((number, cells))
    layout = _layout(even, columns)
    rows = []
    for number, cells in even[1:] if layout.header else even:
        with columns.leaving_out():
            rows.append(layout.row(cells, number, columns))
    if not rows and columns.request.bad is None:
        raise columns.error("there is a header and no row.", layout.line)
    return rows


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a table has what.

    Args:
        line: of its first record.
        first: the cells of it.
        header: whether it is a header.
        where: role -> column.
    """

    line: int
    first: list[str]
    header: bool
    where: dict[str, int]

    def row(self, cells: Sequence[str], number: int, columns: Columns) -> Row:
        """The row of a record on line ``number``.

        Raises:
            DataError: it is the header again, or :meth:`~taskzoo.data.columns.Columns.row` refuses it.
        """
        if self.header and cells == self.first:
            raise columns.error("the header stands here again; remove this line.", number)
        return columns.row({role: cells[index] for role, index in self.where.items()}, number)


def find_layout(found: Sequence[Record], columns: Columns, *, in_quotes: bool) -> Layout | None:
    """The layout of a table that begins with these records; ``None`` where all of them are blank.

    Raises:
        DataError: a column is missing or not to be told.
    """
    found = _without_blank_lines(found, columns)
    if not found:
        return None
    _refuse_one_column(found, columns, in_quotes=in_quotes)
    return _layout([record for record in found if len(record[1]) == len(found[0][1])], columns)


def check_width(cells: Sequence[str], number: int, first: Record, hint: str, columns: Columns) -> None:
    """Refuse, by a :class:`DataError`, a record on line ``number`` of another width than the first one of the table."""
    if len(cells) != len(first[1]):
        here = f"{len(cells)} column{'s' if len(cells) > 1 else ''} here"
        raise columns.error(f"{here} and {len(first[1])} on line {first[0]}; {hint}.", number)


def _layout(even: Sequence[Record], columns: Columns) -> Layout:
    line, first = even[0]
    header = _has_header(even, columns)
    return Layout(line, first, header, _with_header(even, columns) if header else _without_header(even, columns))


def _refuse_one_column(found: Sequence[Record], columns: Columns, *, in_quotes: bool) -> None:
    line, first = found[0]
    if len(first) == 1 and needs_several(columns):
        looks = _why_one_column(found, columns, in_quotes=in_quotes)
        needed = ", ".join(sorted(columns.required | columns.mapped.keys()))
        raise columns.error(f"one column only, {quoted(first)}, and {needed} are needed; {looks}.", line)


def _without_blank_lines(found: Sequence[Record], columns: Columns) -> list[Record]:
    """A blank line is not a row, but where every line is one text and is to have an answer."""
    request = columns.request
    keep = request.incomplete and not request.labelled and all(len(cells) < 2 for _, cells in found)
    return [(line, cells or [""]) for line, cells in found if cells or keep]


def _has_header(records: Sequence[Record], columns: Columns) -> bool:
    """The rule at the top of this file."""
    first, others = records[0][1], [cells for _, cells in records[1:]]
    positions = {role: _position(name, first) for role, name in columns.mapped.items()}
    if None in positions.values():
        return True
    if positions and others and all(_is_number_of(first, others, number) for number in positions.values()):
        return True
    if columns.languages.are_header(first) and not (positions and first in others):
        return True
    for role in columns.roles:
        number = positions.get(role)
        for index in range(len(first)) if number is None else [number % len(first)]:
            named = any(same_name(first[index], name) for name in columns.names_of(role))
            if named and (number is None or all(cells[index] != first[index] for cells in others)):
                return True
    return False


def _position(name: str, first: Sequence[str]) -> int | None:
    """The number in ``name`` when it is a position: not outside of the table where that is a name on its first line."""
    number = position(name)
    outside = number is not None and not -len(first) <= number < len(first)
    return None if outside and any(same_name(cell, name) for cell in first) else number


def _is_number_of(first: Sequence[str], others: Sequence[Sequence[str]], number: int | None) -> bool:
    """Whether the first line numbers this column, as pandas names columns, and no other line repeats that."""
    if number is None or not 0 <= number < len(first):
        return False
    return first[number].strip() == str(number) and all(cells[number] != first[number] for cells in others)


def _with_header(records: Sequence[Record], columns: Columns) -> dict[str, int]:
    """Role -> column."""
    line, first = records[0]
    hint = f", or by position if the file has no header ({_positions_to_type(records, columns)})"
    names = [name.strip() for name in first]
    return columns.find(names, known=_by_position(columns, first), line=line, hint=hint)


def _without_header(records: Sequence[Record], columns: Columns) -> dict[str, int]:
    """Role -> column."""
    line, first = records[0]
    where = _by_position(columns, first)
    if not where and len(first) == 1 and len(columns.required) < 2:
        return {next(iter(columns.required), columns.request.spec.input_role): 0}
    if not where.keys() - {GROUP}:
        scripts = columns.languages.by_script([cells for _, cells in records])
        where |= {role: index for role, index in scripts.items() if role in columns.roles}
    if missing := columns.unfound(where):
        message = f"the first line names no column for {', '.join(missing)}: {quoted(first)}; give column names"
        positions = f"if it is not a header, positions from 0 ({_positions_to_type(records, columns)})"
        raise columns.error(f"{message} ({option(missing[:1], 'NAME')}) or, {positions}.", line)
    columns.check_distinct(where)
    return where


def _by_position(columns: Columns, first: Sequence[str]) -> dict[str, int]:
    mapped = columns.mapped.items()
    return {role: columns.at(role, name, len(first)) for role, name in mapped if _position(name, first) is not None}


def _positions_to_type(records: Sequence[Record], columns: Columns) -> str:
    """The option that says them: ``--columns text=0,label=1``, for a text and its label from what the columns hold."""
    wanted = columns.wanted()
    if wanted != ["text", "label"]:
        return option_name("columns", {role: str(index) for index, role in enumerate(wanted)})
    likely = likely_columns([cells for _, cells in records], pairs="text_pair" in columns.roles)
    unknown = {"text": "0", "label": "1"} if len(records[0][1]) < 3 else {"text": "N", "label": "N"}
    return option_name("columns", {role: str(index) for role, index in likely.items()} or unknown)

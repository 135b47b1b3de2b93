"""CSV and TSV.

CSV is read with quotes, and may hold newlines inside them. Its separator is the comma; if the first line has none
outside quotes, and several columns are needed or it becomes a header, it is the tab, ``;`` or ``|``. TSV is read
without quotes: a quotation mark is a character like any other.

The first line is a header when ``header`` says so. Otherwise:

* a column mapped by name needs a header, so there is one;
* with columns mapped by position there is none, unless the cell at such a position is a name of its role and
  does not occur again in that column;
* with nothing mapped, it is a header when one of its cells is a name of a role, or its cells name the languages of
  all roles that have one.

A file of one column without a header is the one role required, or the task's first role when none is. Without a header,
the first two columns are the texts of two languages where their scripts tell which is which.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ...errors import DataError
from ...task import Row
from .columns import (
    check_distinct,
    match_names,
    names_a_role,
    names_of,
    option,
    position,
    quoted,
    same_name,
    to_position,
    wanted_roles,
)
from .files import split_lines
from .groups import GROUP
from .languages import Languages
from .values import make_row

_Record = tuple[int, list[str]]  # line number and cells
_SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
_LONGEST_FIELD = 2**31 - 1


def read_csv(
    text: str,
    source: str,
    roles: Mapping[str, str],
    required: frozenset[str],
    columns: Mapping[str, str],
    languages: Languages,
    header: bool | None = None,
) -> list[Row]:
    """One row per record, with the line that the record starts on.

    Raises:
        DataError: an unclosed quote, ragged rows, a missing column, an empty value, a repeated column name.
    """
    lines = split_lines(text, source)
    separator = _separator(lines, roles, required, columns, languages)
    # csv.reader needs the line ends as they are: those inside quotes belong to the value.
    physical = [line + "\n" for line in text.split("\n")]
    physical[-1] = physical[-1][:-1]
    records = []
    with _long_fields():
        reader = csv.reader(physical, delimiter=separator, strict=True)
        start = 1
        try:
            for cells in reader:
                if physical[start - 1].strip():
                    records.append((start, cells))
                start = reader.line_num + 1
        except csv.Error as error:
            if "new-line character" in str(error):
                message = "a stray carriage return stands in this record; remove it or put the value in quotes."
                raise DataError(message, file=source, line=start) from None
            raise DataError(
                f"this record is broken CSV ({error}); a quotation mark inside quotes must be doubled, "
                "and --format tsv reads tabs without quotes.",
                file=source,
                line=start,
            ) from None
    hint = f"a value with {_SEPARATORS[separator]} must stand in quotes"
    return _rows(records, source, roles, required, columns, languages, header, hint)


def read_tsv(
    text: str,
    source: str,
    roles: Mapping[str, str],
    required: frozenset[str],
    columns: Mapping[str, str],
    languages: Languages,
    header: bool | None = None,
) -> list[Row]:
    """One row per line that is not blank.

    Raises:
        DataError: another separator, ragged rows, a missing column, an empty value, a repeated column name.
    """
    lines = split_lines(text, source)
    records = [(number, line.split("\t")) for number, line in enumerate(lines, start=1) if line.strip()]
    hint = "a value must hold neither tab nor newline; --format csv reads values in quotes"
    return _rows(records, source, roles, required, columns, languages, header, hint)


def _rows(
    records: list[_Record],
    source: str,
    roles: Mapping[str, str],
    required: frozenset[str],
    columns: Mapping[str, str],
    languages: Languages,
    header: bool | None,
    ragged_hint: str,
) -> list[Row]:
    if not records:
        return []
    first_line, first = records[0]
    if len(first) == 1 and _several(required, columns):
        raise _one_column(first[0], required | set(columns), source, first_line)
    for line, cells in records:
        if len(cells) != len(first):
            raise DataError(
                f"{len(cells)} column{'s' if len(cells) > 1 else ''} here and {len(first)} on line {first_line}; "
                f"{ragged_hint}.",
                file=source,
                line=line,
            )
    if header is None:
        header = _has_header(records, roles, columns, languages)
    if header:
        named = languages.columns(first, roles, columns, source, first_line)
        columns = {**columns, **{role: str(first.index(name)) for role, name in named.items()}}
    elif not columns.keys() - {GROUP} and (at := languages.by_script([cells for _, cells in records])):
        columns = {**columns, **{role: str(number) for role, number in at.items()}}
    where = _positions(first, header, source, first_line, roles, required, columns)
    rows = []
    for line, cells in records[1:] if header else records:
        if header and cells == first:
            raise DataError("the header stands here again; remove this line.", file=source, line=line)
        rows.append(make_row({role: cells[i] for role, i in where.items()}, required, source, line))
    if not rows:
        raise DataError("there is a header and no row.", file=source, line=first_line)
    return rows


def _has_header(
    records: list[_Record], roles: Mapping[str, str], columns: Mapping[str, str], languages: Languages
) -> bool:
    """The rule at the top of this file."""
    if any(position(name) is None for name in columns.values()):
        return True
    first = records[0][1]
    by_position = any(position(name) is not None for name in columns.values())
    if languages.are_header(first, roles, columns) and not (by_position and any(c == first for _, c in records[1:])):
        return True
    for role in roles:
        number = position(columns.get(role, ""))
        for index, cell in enumerate(first):
            if number is not None and index != number % len(first):
                continue
            if any(same_name(cell, name) for name in names_of(role, roles)) and (
                number is None or not any(cells[index] == cell for _, cells in records[1:])
            ):
                return True
    return False


def _positions(
    first: list[str],
    header: bool,
    source: str,
    line: int,
    roles: Mapping[str, str],
    required: frozenset[str],
    columns: Mapping[str, str],
) -> dict[str, int]:
    """role -> column."""
    if header:
        _refuse_repeats(first, source, line)
    where = {role: to_position(n, role, len(first), source) for role, n in columns.items() if position(n) is not None}
    unfound = not where.keys() - {GROUP}
    if not header and not where and len(first) == 1 and len(required) < 2:
        return {next(iter(required or roles)): 0}
    rest = {role: text for role, text in roles.items() if role not in where}
    wanted = wanted_roles(roles, required)
    example = ",".join(f"{role}={i}" for i, role in enumerate(wanted))
    if header:
        named = {role: name for role, name in columns.items() if role not in where}
        hint = f", or by position if the file has no header (--columns {example})"
        matched = match_names(first, rest, required - set(where), named, source, line, hint, unfound)
        where.update({role: first.index(name) for role, name in matched.items()})
    elif required - set(where) or unfound:
        missing = [role for role in wanted if role not in where] or [GROUP]
        raise DataError(
            f"the first line names no column for {', '.join(missing)}: {quoted(first)}; give column names "
            f"({option(missing[:1], 'NAME')}) or, if it is no header, positions (--columns {example}).",
            file=source,
            line=line,
        )
    where = {role: where[role] for role in roles if role in where}
    check_distinct(where, source)
    return where


def _refuse_repeats(names: list[str], source: str, line: int) -> None:
    seen = set()
    for name in (name.strip() for name in names):
        if name and name in seen:
            raise DataError(f"two columns are named {name!r}; rename one.", file=source, line=line)
        seen.add(name)


def _several(required: frozenset[str], columns: Mapping[str, str]) -> bool:
    """Whether more than one column is needed."""
    return len(required | set(columns)) > 1


def _one_column(cell: str, required: frozenset[str], source: str, line: int) -> DataError:
    others = [name for mark, name in _SEPARATORS.items() if mark in cell]
    looks = f"it looks separated by {others[0]}, so try --format csv" if others else "is this the right file?"
    needed = ", ".join(sorted(required))
    return DataError(f"one column only, {quoted([cell])}, and {needed} are needed; {looks}.", file=source, line=line)


def _separator(
    lines: list[str],
    roles: Mapping[str, str],
    required: frozenset[str],
    columns: Mapping[str, str],
    languages: Languages,
) -> str:
    """The comma, or what separates the first line where that has one cell only."""
    first = next((line for line in lines if line.strip()), "")
    if len(next(csv.reader([first]))) == 1:
        for mark in ("\t", ";", "|"):
            cells = next(csv.reader([first], delimiter=mark))
            header = names_a_role(cells, roles, columns) or languages.are_header(cells, roles, columns)
            if len(cells) > 1 and (_several(required, columns) or header):
                return mark
    return ","


@contextmanager
def _long_fields() -> Iterator[None]:
    """Documents longer than the csv module's default limit of 131,072 characters."""
    before = csv.field_size_limit(_LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)

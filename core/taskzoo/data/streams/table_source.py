"""Sources of CSV and TSV: how the table is written is found from its beginning."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from taskzoo.data.columns import Columns
from taskzoo.data.readers.dialects import (
    Dialect,
    TsvQuotes,
    csv_dialect,
    spaces_around_quotes,
    without_spaces_behind_quotes,
)
from taskzoo.data.readers.tables import check_width, find_layout, quotes_hint, tabs_hint
from taskzoo.errors import DataError
from taskzoo.option_names import option_name, setting_name

from .input_file import InputFile
from .records import BadRecord, Item, Record
from .source import LazySource
from .text_lines import LONGEST, TextLines, unreadable

_Raw = tuple[int, list[str] | str]
"""Line number and cells; or, of a record that is broken or too long, its text."""
_HEAD = 2000  # records by which columns are found
_IN_QUOTES = re.compile(r'\s+".*"\s*', re.DOTALL).fullmatch  # what is left where spaces around quotes are not expected


class TableSource(LazySource[_Raw]):
    """One row per record; blank lines are none, but in a table of one column.

    Without a header, a column is named by its role, or ``column_0``, ``column_1``, ... by its position; with one,
    columns without a name are, if there are several.
    """

    def __init__(self, file: InputFile, lines: TextLines, columns: Columns, *, tsv: bool) -> None:
        self._file, self._table = file, columns
        head = lines.head if lines.whole or tsv else _whole_records(lines.head)
        self._quotes = TsvQuotes.of(head) if tsv else None
        quoted = self._quotes is None or self._quotes.enclose
        dialect = None if not quoted else Dialect("\t") if tsv else csv_dialect(head, columns)
        self._dialect = dialect
        self._hint = quotes_hint(dialect) if dialect and not tsv else tabs_hint()
        with _long_fields():
            first = list(
                islice(_records((line + "\n" for line in head.removesuffix("\n").split("\n")), dialect), _HEAD)
            )
        readable = [(number, cells) for number, cells in first if isinstance(cells, list)]
        layout = find_layout(readable, columns, in_quotes=quoted)
        if layout is None:
            raise columns.error("no rows were found.")
        if len(readable) < 2 and layout.header and lines.whole:
            raise columns.error("there is a header and no row.", layout.line)
        self._layout = layout
        by_position = {index: role for role, index in layout.where.items()}
        unnamed = (by_position.get(index, f"column_{index}") for index in range(len(layout.first)))
        self.columns = tuple(_named(layout.first)) if layout.header else tuple(unnamed)
        self.roles = frozenset(layout.where)
        spaced = any(_quotes_left(cells) for _, cells in readable)
        self._spaces = None if dialect is None or dialect.spaces or spaced else spaces_around_quotes(dialect)
        self._raw = self._rows(_records(lines, dialect, self._as_expected))

    def _as_expected(self, record: str, cells: Sequence[str]) -> bool:
        """Whether a record, its text and its cells, does not say that quotes mean something else than the head said."""
        known = self._quotes
        if known is None:
            return self._spaces is None or not _quotes_left(cells) or not self._spaces.search(record)
        if known.stray or ('"' not in record and known.words and known.commas):
            return True
        self._quotes = known | TsvQuotes.of(record)
        return self._quotes.enclose == (self._dialect is not None)

    def _rows(self, records: Iterator[_Raw]) -> Iterator[_Raw]:
        """The records that are rows."""
        one_column, header = len(self._layout.first) == 1, self._layout.header
        for number, cells in records:
            if not cells and (not one_column or number < self._layout.line):
                continue
            if header and number == self._layout.line:
                continue
            yield number, cells or [""]

    def take(self, count: int) -> list[Item]:
        with _long_fields():
            return super().take(count)

    def skip(self, count: int) -> int:
        with _long_fields():
            return super().skip(count)

    def _item(self, raw: _Raw) -> Item:
        number, cells = raw
        if isinstance(cells, str):
            why = _other_quotes() if isinstance(cells, _Unexpected) else _broken()
            return BadRecord(self._table.source, number, unreadable(cells) or why, cells)
        if reason := unreadable("".join(cells)):
            return BadRecord(self._table.source, number, reason, cells)
        try:
            check_width(cells, number, (self._layout.line, self._layout.first), self._hint, self._table)
            row = self._layout.row(cells, number, self._table)
        except DataError as error:
            return BadRecord.of(error, number, cells)
        return Record(row, dict(zip(self.columns, cells, strict=True)))

    @property
    def done(self) -> float:
        return self._file.done

    def close(self) -> None:
        self._file.close()


def _named(header: Sequence[str]) -> Iterator[str]:
    """The names of a header; where several are empty, as Excel leaves them behind all others, by their positions."""
    names = [name.strip() for name in header]
    several = names.count("") > 1
    for index, name in enumerate(names):
        if several and not name:
            name = f"column_{index}"
            while name in names:
                name += "_"
        yield name


def _quotes_left(cells: Sequence[str]) -> bool:
    """Whether a cell has quotes inside of spaces, which are not expected."""
    return any(map(_IN_QUOTES, cells))


def _other_quotes() -> str:
    whole = setting_name("on_disk=false")
    return (
        "quotation marks have another meaning here than at the beginning of the file, by which it is read; write the "
        f"whole file alike, or train with {whole}, which looks at all of it first."
    )


def _broken() -> str:
    tabs = f"{option_name('format', 'tsv')} reads tabs without quotes"
    return f"this record is broken CSV; a quotation mark inside quotes must be doubled, and {tabs}."


def _records(
    lines: Iterable[str],
    dialect: Dialect | None,
    expected: Callable[[str, Sequence[str]], bool] = lambda record, cells: True,
) -> Iterator[_Raw]:
    """The records with the lines that they start on; a line with nothing but whitespace has no cells.

    Args:
        lines: with their ends.
        dialect: ``None``: tabs separate, and quotation marks mean nothing.
        expected: whether a record with this text and these cells is written as the dialect says.
    """
    if dialect is None:
        for number, line in enumerate(lines, 1):
            text = line.rstrip("\n").rstrip("\r")
            if len(text) <= LONGEST and not expected(text, ()):
                yield number, _Unexpected(text)
            else:
                yield number, text if len(text) > LONGEST else text.split("\t") if text.strip() else []
        return
    if dialect.spaces:  # in the whole text
        text = without_spaces_behind_quotes("".join(lines), dialect)
        lines = (line + "\n" for line in text.removesuffix("\n").split("\n"))
    tape = _Tape(islice(lines, dialect.skipped, None))
    reader = csv.reader(tape, strict=True, **dialect.options)
    start = 1 + dialect.skipped
    while True:
        tape.record.clear()
        try:
            cells: list[str] | str = next(reader)
        except StopIteration:
            return
        except csv.Error:
            cells = "".join(tape.record)
        else:
            text = "".join(tape.record)
            cells = text if len(text) > LONGEST else cells if text.strip() else []
            if isinstance(cells, list) and not expected(text, cells):
                cells = _Unexpected(text)
        yield start, cells
        start += len(tape.record)


class _Unexpected(str):
    """The text of a record that is written in another way than the head."""

    __slots__ = ()


class _Tape:
    """Passes lines on and keeps those of the record that is being read."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines, self.record = iter(lines), list[str]()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.record.append(next(self._lines))
        return self.record[-1]


def _whole_records(text: str) -> str:
    """The text without the record that it ends in, which may go on: up to a line end outside of quotes."""
    end = quotes = at = 0
    for line in text.split("\n")[:-1]:
        at += len(line) + 1
        quotes += line.count('"')
        if quotes % 2 == 0:
            end = at
    return text[:end] or text


@contextmanager
def _long_fields() -> Iterator[None]:
    """The csv module's limit for a field is as high as that of a line."""
    before = csv.field_size_limit(LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(before)

"""How a table is written: what separates its cells, and what quotation marks mean.

A CSV file may begin with ``sep=;``, as Excel understands it. Else its separator is the mark by which the first line is
a header; without a header, the one that splits all lines alike. Where two do, one that is always followed by a space or
inside a number is punctuation; if that does not decide, the file is refused.

Quotes are doubled inside quotes; a file that cannot be read so may have spaces around its quotes, or a backslash before
a quote inside. In TSV a quotation mark is a character like any other, unless the file was written as Excel or pandas
write one: every quotation mark then belongs to a cell in quotes, and cells are in quotes for a reason.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from typing import Any

from taskzoo.errors import DataError
from taskzoo.option_names import option_name

from ..column_names import position, quoted
from ..columns import Columns

SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
Record = tuple[int, list[str]]
"""Line number and cells."""

_LINES, _SAMPLE = 2000, 200  # of a file are looked at: lines, and records
_LONGEST_FIELD = 2**31 - 1  # the csv module's own limit is 131,072 characters
_DIRECTIVE = re.compile(r"sep=(.)\r?", re.IGNORECASE)
_IN_SINGLE = re.compile(r"'[^']*'(?:([,;|\t])'[^']*')+\r?")
_MARKDOWN = re.compile(r"[\s|:]*-+[\s|:-]*")
_TAB_QUOTED = re.compile(r'(?:^|(?<=\t))"([^"]*(?:""[^"]*)*)"(?=\t|\r?\n|\r?\Z)', re.MULTILINE)
_NEEDS_QUOTES = re.compile(r'""|[\t\r\n,;]|^ | $')
_MUST_HAVE_QUOTES = re.compile(r'""|[\t\n]')


@dataclass(frozen=True, slots=True)
class Dialect:
    """How cells are separated and quoted.

    Args:
        separator: between cells.
        spaces: whether spaces may stand between a quote and the separator.
        escape: before a quote inside of quotes, where it is not doubled.
        quote: around cells.
        skipped: lines before the first record.
    """

    separator: str
    spaces: bool = False
    escape: str | None = None
    quote: str = '"'
    skipped: int = 0

    @property
    def options(self) -> dict[str, Any]:
        """For the module csv."""
        return {
            "delimiter": self.separator,
            "skipinitialspace": self.spaces,
            "escapechar": self.escape,
            "quotechar": self.quote,
        }


def records(text: str, dialect: Dialect, columns: Columns) -> Iterator[Record]:
    """The records of a table, with the lines they start on; a line with nothing but whitespace has no cells.

    Raises:
        DataError: a record is not CSV of this dialect.
    """
    text = without_spaces_behind_quotes(text, dialect) if dialect.spaces else text
    # csv.reader needs the line ends as they are: those inside quotes belong to the value.
    physical = [line + "\n" for line in text.split("\n")]
    physical[-1] = physical[-1][:-1]
    if not physical[-1]:  # what stands behind the last line end is not a line
        physical.pop()
    start = 1 + dialect.skipped
    before = csv.field_size_limit(_LONGEST_FIELD)
    try:
        reader = csv.reader(physical[dialect.skipped :], strict=True, **dialect.options)
        for cells in reader:
            yield start, cells if physical[start - 1].strip() else []
            start = reader.line_num + 1 + dialect.skipped
    except csv.Error as error:
        message = "a stray carriage return stands in this record; remove it or put the value in quotes."
        if "new-line character" not in str(error):
            fix = f"{option_name('format', 'tsv')} reads tabs without quotes"
            fix = f"a quotation mark inside quotes must be doubled, and {fix}"
            message = f"this record is broken CSV ({error}); {fix}."
        raise columns.error(message, start) from None
    finally:
        csv.field_size_limit(before)


def csv_dialect(text: str, columns: Columns) -> Dialect:
    """The dialect of a CSV file.

    Raises:
        DataError: two separators would do, or this is a table of Markdown.
    """
    first, _, _ = text.partition("\n")
    if said := _DIRECTIVE.fullmatch(first):
        return _fitting(text, Dialect(said[1], skipped=1), columns)
    lines = list(islice((line for line in text.split("\n") if line.strip()), _LINES))
    if not lines:
        return Dialect(",")
    if single := _IN_SINGLE.fullmatch(lines[0]):
        return Dialect(single[1], quote="'")
    if len(lines) > 1 and lines[0].lstrip().startswith("|") and _MARKDOWN.fullmatch(lines[1]):
        raise columns.error("this is a table of Markdown; save it as CSV, without bars and dashes around the cells.", 1)
    samples = {mark: _sample(lines, mark) for mark in SEPARATORS}
    headed = [mark for mark, sample in samples.items() if sample and _is_header(sample[0], columns)]
    if headed:
        return _fitting(text, Dialect(headed[0]), columns)
    even = [mark for mark, sample in samples.items() if sample and _even(sample, columns)]
    likely = [mark for mark in even if not _is_punctuation(text, mark)]
    if not likely and needs_several(columns):
        likely = even or [mark for mark, sample in samples.items() if sample and len(sample[0]) > 1][:1]
    if not likely or not (needs_several(columns) or columns.mapped):
        return _fitting(text, Dialect(","), columns)
    if len(likely) > 1:
        marks = " and ".join(SEPARATORS[mark] for mark in likely)
        message = f"{marks} both split every line into as many columns, the first being {quoted(lines[:1])}"
        raise columns.error(f"{message}; add a header line such as {'text' + likely[0] + 'label'}.", 1)
    return _fitting(text, Dialect(likely[0]), columns)


def tsv_has_quotes(text: str) -> bool:
    """Whether quotation marks enclose cells in this TSV, as Excel and pandas write them."""
    return TsvQuotes.of(text).enclose


@dataclass(frozen=True, slots=True)
class TsvQuotes:
    """What tells whether quotation marks enclose cells in a TSV; ``|`` joins what two parts of it tell.

    Args:
        cells: whether any cell that is not empty is in quotes.
        stray: whether there are quotation marks that belong to no cell in quotes.
        words: whether anything but numbers stands outside of cells in quotes.
        commas: whether commas do.
        needless: whether a cell is in quotes without a reason.
        needed: whether a cell in quotes cannot be written without.
    """

    cells: bool = False
    stray: bool = False
    words: bool = False
    commas: bool = False
    needless: bool = False
    needed: bool = False

    @classmethod
    def of(cls, text: str) -> TsvQuotes:
        """What a text of whole records tells."""
        cells = _TAB_QUOTED.findall(text) if '"' in text else []
        rest = _TAB_QUOTED.sub("", text) if cells else text
        return cls(
            cells=any(cells),
            stray='"' in rest,
            words=re.search(r"[^\s\d.,+-]", rest) is not None,
            commas="," in rest,
            needless=not all(_NEEDS_QUOTES.search(cell) for cell in cells if cell),
            needed=any(_MUST_HAVE_QUOTES.search(cell) for cell in cells),
        )

    def __or__(self, other: TsvQuotes) -> TsvQuotes:
        return TsvQuotes(*(getattr(self, f.name) or getattr(other, f.name) for f in fields(self)))

    @property
    def enclose(self) -> bool:
        """Whether they do: none is stray, and all cells but numbers are in quotes, or those that need them."""
        if not self.cells or self.stray:
            return False
        return not self.words or (not self.needless and (self.needed or not self.commas))


def _fitting(text: str, dialect: Dialect, columns: Columns) -> Dialect:
    """The dialect, with spaces around quotes or backslashes before them where the file can be read only so."""
    spaces = spaces_around_quotes(dialect).search(text) is not None
    escapes = '\\"' in text
    if not (spaces or escapes) or _fits(text, dialect, columns):
        return dialect
    variants = [replace(dialect, spaces=True)] if spaces else []
    if escapes:
        variants += [replace(variant, escape="\\") for variant in (dialect, *variants)]
    return next((variant for variant in variants if _fits(text, variant, columns)), dialect)


def spaces_around_quotes(dialect: Dialect) -> re.Pattern[str]:
    """Spaces between quotes and separators or line ends, which may also be those of a text."""
    mark = re.escape(dialect.separator)
    return re.compile(rf'{mark} +"|" +(?:{mark}|\r?$)', re.MULTILINE)


def without_spaces_behind_quotes(text: str, dialect: Dialect) -> str:
    """The table with separators and line ends right behind closing quotes; the module csv skips spaces before only."""
    mark, quote = re.escape(dialect.separator), re.escape(dialect.quote)
    escaped = re.escape(dialect.escape) + ".|" if dialect.escape else ""
    cell = rf"((?:^|{mark}) *{quote}(?:{escaped}{quote * 2}|[^{quote}])*+{quote}) +(?={mark}|\r?$)"
    return re.sub(cell, r"\1", text, flags=re.MULTILINE | re.DOTALL)


def _fits(text: str, dialect: Dialect, columns: Columns) -> bool:
    """Whether all records have the same number of cells, and no quote is left around a cell."""
    try:
        found = [cells for _, cells in records(text, dialect, columns) if cells]
    except DataError:
        return False
    left = any(re.fullmatch(r'\s+".*"\s*', cell, re.DOTALL) for cells in found for cell in cells)
    return len({len(cells) for cells in found}) == 1 and not left


def _sample(lines: Sequence[str], mark: str) -> list[list[str]]:
    """The first records by a separator, as far as they can be read."""
    reader = csv.reader((line + "\n" for line in lines), delimiter=mark, skipinitialspace=True)
    found: list[list[str]] = []
    before = csv.field_size_limit(_LONGEST_FIELD)
    try:
        found.extend(islice(reader, _SAMPLE))
    except csv.Error:
        pass
    finally:
        csv.field_size_limit(before)
    return found


def _is_header(cells: Sequence[str], columns: Columns) -> bool:
    return len(cells) > 1 and (columns.are_header(cells) or columns.languages.are_header(cells))


def _even(sample: Sequence[Sequence[str]], columns: Columns) -> bool:
    """Whether all records have as many cells, and as many as positions need."""
    sizes = {len(cells) for cells in sample}
    positions = [number for name in columns.mapped.values() if (number := position(name)) is not None]
    needed = max(2, *(number + 1 if number >= 0 else -number for number in positions)) if positions else 2
    return len(sizes) == 1 and min(sizes) >= needed


def _is_punctuation(text: str, mark: str) -> bool:
    """Whether the mark is followed by a space or inside a number wherever it stands, as in sentences."""
    mark = re.escape(mark)
    return re.search(rf"{mark}(?! )(?!(?<=\d{mark})\d)", text) is None


def needs_several(columns: Columns) -> bool:
    """Whether more than one column is needed."""
    return len(columns.required | columns.mapped.keys()) > 1

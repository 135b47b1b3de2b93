"""Sources of one row per line: plain texts and JSON objects."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from taskzoo.data.column_names import quoted
from taskzoo.data.columns import Columns
from taskzoo.data.readers.json_values import broken, json_line
from taskzoo.errors import DataError
from taskzoo.option_names import setting_name

from .input_file import InputFile
from .records import BadRecord, Item, Record
from .source import LazySource
from .text_lines import TextLines, unreadable

_Line = tuple[int, str]
_HEAD_ROWS = 1000


class LineSource(LazySource[_Line]):
    """Plain texts, one per line; the column is named as the role that they fill."""

    def __init__(self, file: InputFile, lines: TextLines, columns: Columns) -> None:
        columns.refuse_options("plain lines have")
        self._file, self._table, self._role = file, columns, columns.request.spec.input_role
        self.columns, self.roles = (self._role,), frozenset({self._role})
        self._raw = enumerate(lines, 1)

    def _item(self, raw: _Line) -> Item:
        number, line = raw
        text = line.rstrip("\n").rstrip("\r")
        if reason := unreadable(text):
            return BadRecord(self._table.source, number, reason, text)
        values = {self._role: text}
        return Record(self._table.row(values, number), values)

    @property
    def done(self) -> float:
        return self._file.done

    def close(self) -> None:
        self._file.close()


class ObjectSource(LazySource[_Line]):
    """JSON lines: an object per line; an empty line is a row without any input where each line is to have an answer."""

    def __init__(self, file: InputFile, lines: TextLines, columns: Columns) -> None:
        self._file, self._table = file, columns
        head = self._head(lines.head)
        self._where = columns.find_in(head)
        self.columns = tuple(dict.fromkeys(str(name) for _, value in head for name in value))
        self.roles = frozenset(self._where)
        self._first, self._known = head[0], set(self.columns)
        answers = columns.request.incomplete and not columns.request.labelled
        self._raw = ((number, line) for number, line in enumerate(lines, 1) if answers or line.strip())

    def _head(self, text: str) -> list[tuple[int, Mapping[str, Any]]]:
        """The first objects with the numbers of their lines.

        Raises:
            DataError: there are none.
        """
        found: list[tuple[int, Mapping[str, Any]]] = []
        first_error: DataError | None = None
        for number, line in islice(enumerate(text.split("\n"), 1), _HEAD_ROWS):
            try:
                if value := self._object(number, line):
                    found.append((number, value))
            except DataError as error:
                first_error = first_error or error
        if not found:
            raise first_error or self._table.error("no rows were found, reading it as jsonl.")
        return found

    def _object(self, number: int, line: str) -> dict[str, Any]:
        """The object on a line; an empty one for an empty line."""
        if reason := unreadable(line):
            raise self._table.error(reason, number)
        if not line.strip():
            return {}
        value = json_line(line, self._table.source, number)
        if not isinstance(value, dict):
            raise broken(f"a JSON {type(value).__name__} instead of an object", self._table.source, number)
        return value

    def _refuse_new(self, number: int, names: list[str]) -> None:
        """Raise a DataError where names that no object at the beginning has would hold a role."""
        whole = dict.fromkeys([*self.columns, *names])
        try:
            where = Columns(self._table.request, self._table.source).find_in([(number, {**whole, **self._first[1]})])
        except DataError:
            where = {}
        if where != self._where:
            alike = f"put a row with it among the first {_HEAD_ROWS:,}"
            message = (
                f"{quoted(names)} would hold a role, and no row at the beginning, by which the file is read, has it"
            )
            train = setting_name("on_disk=false")
            raise self._table.error(
                f"{message}; {alike}, or train with {train}, which looks at all of it first.", number
            )
        self._known.update(names)

    def _item(self, raw: _Line) -> Item:
        number, line = raw
        try:
            value = self._object(number, line)
            if new := [name for name in value if name not in self._known]:
                self._refuse_new(number, new)
            return Record(self._table.row_of(self._where, number, value), value)
        except DataError as error:
            return BadRecord.of(error, number, line.rstrip("\r\n"))

    @property
    def done(self) -> float:
        return self._file.done

    def close(self) -> None:
        self._file.close()

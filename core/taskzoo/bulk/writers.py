"""Predictions to files: JSON lines, CSV, TSV, Parquet, plain text and CoNLL."""

from __future__ import annotations

import csv
import gzip
import io
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import IO, Any, cast

from taskzoo.data.streams.records import Answer, BadRecord
from taskzoo.errors import shown
from taskzoo.option_names import option_name
from taskzoo.runs.prediction_files import conll_sentence, not_in_conll

from .output_columns import OutputColumns
from .output_format import OutputFormat
from .values import to_cell, to_json

_ROW_GROUP = 10_000  # rows


class Writer(ABC):
    """Writes rows to a file, which the caller opens and closes. Equal rows give equal bytes."""

    def __init__(self, file: IO[bytes], columns: OutputColumns) -> None:
        self._file, self._columns = file, columns

    def fitting(self, items: Sequence[Answer | BadRecord]) -> Sequence[Answer | BadRecord]:
        """The rows, those set apart that the format cannot have."""
        return items

    @abstractmethod
    def write(self, items: Sequence[Answer | BadRecord]) -> None:
        """Write rows; bad ones are left out."""

    def finish(self) -> None:  # noqa: B027 - most formats have no end
        """Write what stands at the end."""

    def abandon(self) -> None:  # noqa: B027 - most formats have no end
        """Write nothing more; the file is to be removed."""


class JsonLinesWriter(Writer):
    """One object per line."""

    def write(self, items: Sequence[Answer | BadRecord]) -> None:
        lines = [to_json(self._columns.merged(item)) + "\n" for item in items if isinstance(item, Answer)]
        self._file.write("".join(lines).encode())


class CsvWriter(Writer):
    """A header and one record per row; lists and objects are JSON inside of a cell."""

    separator = ","

    def __init__(self, file: IO[bytes], columns: OutputColumns) -> None:
        super().__init__(file, columns)
        self._records([columns.names])

    def fitting(self, items: Sequence[Answer | BadRecord]) -> Sequence[Answer | BadRecord]:
        return self._columns.fitting(items)

    def write(self, items: Sequence[Answer | BadRecord]) -> None:
        rows = [self._columns.merged(item) for item in items if isinstance(item, Answer)]
        self._records([[to_cell(row.get(name)) for name in self._columns.names] for row in rows])

    def _records(self, records: Sequence[Sequence[str]]) -> None:
        text = io.StringIO()
        plain, quoted = (
            csv.writer(text, delimiter=self.separator, lineterminator="\n", quoting=quoting)
            for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL)
        )
        for record in records:  # of both line ends, the one that is not its own is left unquoted before Python 3.13
            (quoted if any("\r" in cell for cell in record) else plain).writerow(record)
        self._file.write(text.getvalue().encode())


class TsvWriter(CsvWriter):
    """The same with tabs; a value with a tab or a line end stands in quotes."""

    separator = "\t"


class ParquetWriter(Writer):
    """A row group for every 10,000 rows.

    Columns of Parquet keep their types; columns of other formats are text. Predicted text, numbers and truth values
    have their types; predicted lists and objects are text with JSON.
    """

    def __init__(self, file: IO[bytes], columns: OutputColumns) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        super().__init__(file, columns)
        types = {bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
        kept = columns.schema or pa.schema([(name, pa.string()) for name in columns.kept])
        predicted = [(name, types.get(columns.types[key], pa.string())) for key, name in columns.predicted.items()]
        self._schema = pa.schema([*kept, *predicted])
        self._pyarrow, self._writer = pa, pq.ParquetWriter(file, self._schema)
        self._rows: list[dict[str, Any]] = []

    def fitting(self, items: Sequence[Answer | BadRecord]) -> Sequence[Answer | BadRecord]:
        return self._columns.fitting(items)

    def write(self, items: Sequence[Answer | BadRecord]) -> None:
        self._rows += [self._columns.merged(item) for item in items if isinstance(item, Answer)]
        while len(self._rows) >= _ROW_GROUP:
            self._write_group(self._rows[:_ROW_GROUP])
            self._rows = self._rows[_ROW_GROUP:]

    def finish(self) -> None:
        if self._rows:
            self._write_group(self._rows)
        self._writer.close()

    def abandon(self) -> None:
        self._writer.is_open = False  # it would write its end when it is collected

    def _write_group(self, rows: Sequence[dict[str, Any]]) -> None:
        typed = set(self._columns.schema.names) if self._columns.schema else set()
        arrays = []
        for field in self._schema:
            values = [row.get(field.name) for row in rows]
            if field.name not in typed and self._pyarrow.types.is_string(field.type):
                values = [None if value is None else to_cell(value) for value in values]
            arrays.append(self._pyarrow.array(values, field.type))
        self._writer.write_table(self._pyarrow.Table.from_arrays(arrays, schema=self._schema))


class TextWriter(Writer):
    """One line for each row of the input, with what is predicted above all: the label, the text, the tags.

    Lists are JSON; line ends inside of a text become spaces. The line of a bad row is empty.
    """

    def write(self, items: Sequence[Answer | BadRecord]) -> None:
        self._file.write("".join(f"{self._line(item)}\n" for item in items).encode())

    def _line(self, item: Answer | BadRecord) -> str:
        if isinstance(item, BadRecord):
            return ""
        return " ".join(to_cell(item.prediction.get(self._columns.answer)).splitlines())


class ConllWriter(Writer):
    """A word, a tab and its tag per line, and an empty line behind each row."""

    def fitting(self, items: Sequence[Answer | BadRecord]) -> Sequence[Answer | BadRecord]:
        return [self._fitting(item) if isinstance(item, Answer) else item for item in items]

    def _fitting(self, item: Answer) -> Answer | BadRecord:
        if (word := not_in_conll(item.prediction)) is None:
            return item
        row, fix = item.record.row, f"write JSON lines ({option_name('output_format', 'jsonl')})"
        reason = f"the word {shown(word)} cannot stand in CoNLL; {fix}."
        return BadRecord(row.source, row.line, reason, item.record.values or dict(row.fields))

    def write(self, items: Sequence[Answer | BadRecord]) -> None:
        sentences = [conll_sentence(item.prediction) for item in items if isinstance(item, Answer)]
        self._file.write("".join(sentences).encode())


_WRITERS: dict[str, type[Writer]] = {
    "jsonl": JsonLinesWriter,
    "csv": CsvWriter,
    "tsv": TsvWriter,
    "parquet": ParquetWriter,
    "text": TextWriter,
    "conll": ConllWriter,
}


class PackedWriter(Writer):
    """Another writer's bytes, packed by gzip without name and time, so that they are always the same."""

    def __init__(self, file: IO[bytes], columns: OutputColumns, kind: str) -> None:
        super().__init__(file, columns)
        self._packed = gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=6, mtime=0)
        self._inner = _WRITERS[kind](cast(IO[bytes], self._packed), columns)

    def fitting(self, items: Sequence[Answer | BadRecord]) -> Sequence[Answer | BadRecord]:
        return self._inner.fitting(items)

    def write(self, items: Sequence[Answer | BadRecord]) -> None:
        self._inner.write(items)

    def finish(self) -> None:
        self._inner.finish()
        self._packed.close()


def make_writer(format: OutputFormat, file: IO[bytes], columns: OutputColumns) -> Writer:
    """The writer for a format."""
    return PackedWriter(file, columns, format.kind) if format.packed else _WRITERS[format.kind](file, columns)

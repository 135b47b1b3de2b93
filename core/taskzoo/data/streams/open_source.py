"""How a file is read: as a stream, where its format allows it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from taskzoo.data.columns import Columns, ReadRequest
from taskzoo.data.readers import named_reader, read_rows
from taskzoo.data.readers.detect import choose_reader, formats_of
from taskzoo.data.readers.files import content_name
from taskzoo.data.readers.lines import Lines
from taskzoo.data.readers.names import extension
from taskzoo.data.readers.objects import JsonLines
from taskzoo.data.readers.parquet import MAGIC, Parquet
from taskzoo.data.readers.tables import Csv, Tsv

from .input_file import InputFile
from .parquet_source import ParquetSource
from .records import BadRecord, Record
from .source import RowsSource, Source
from .table_source import TableSource
from .text_lines import TextLines
from .text_sources import LineSource, ObjectSource


def open_source(path: Path, request: ReadRequest, *, tolerant: bool) -> Source:
    """The rows of a file, a pair of parallel files or a folder of classes.

    CSV, TSV, JSON lines, plain lines and Parquet are streams and keep their columns. Anything else - an array of JSON,
    CoNLL, parallel files, formats of plugins - is read into memory, and its rows have no columns.

    Args:
        path: the file.
        request: what is wanted of it.
        tolerant: whether rows that cannot be read are given as such; otherwise the first of them may be an error here.

    Raises:
        DataError: the file cannot be read as asked.
    """
    columns = Columns(request, str(path))
    formats = formats_of(columns)
    if path.is_dir() or named_reader(path, columns, formats) is not None:
        return _all_rows(path, request, tolerant=tolerant)
    file = InputFile(path)
    try:
        found = _stream(path, file, columns, formats, tolerant=tolerant)
    except BaseException:
        file.close()
        raise
    if found is None:
        file.close()
        return _all_rows(path, request, tolerant=tolerant)
    return found


def _stream(
    path: Path, file: InputFile, columns: Columns, formats: tuple[str, ...], *, tolerant: bool
) -> Source | None:
    """The rows as a stream; ``None`` where the format has none."""
    name = content_name(path)
    start = file.read(len(MAGIC))
    if start == MAGIC:
        reader = choose_reader(name, start, columns, formats)
        return ParquetSource(path, columns) if type(reader) is Parquet and not file.packed else None
    lines = TextLines(_Again(start, file), columns.source, tolerant=tolerant)
    reader = choose_reader(name, lines.head.encode("utf-8", "replace").replace(b"\0", b"?"), columns, formats)
    if type(reader) in (Csv, Tsv):
        return TableSource(file, lines, columns, tsv=type(reader) is Tsv)
    if isinstance(reader, JsonLines) and _is_object_per_line(lines, name):
        return ObjectSource(file, lines, columns)
    return LineSource(file, lines, columns) if type(reader) is Lines else None


def _all_rows(path: Path, request: ReadRequest, *, tolerant: bool) -> Source:
    reasons: list[str] | None = [] if tolerant else None
    rows = read_rows(path, replace(request, bad=reasons))
    bad = [BadRecord(str(path), 0, reason) for reason in reasons or ()]
    return RowsSource([*bad, *(Record(row, {}) for row in rows)])


def _is_object_per_line(lines: TextLines, name: Path) -> bool:
    """Whether the first line with content is an object by itself, and not all there is in a file named ``.json``."""
    first, _, rest = lines.head.lstrip().partition("\n")
    try:
        alone = isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False
    return alone and bool(rest.strip() or not lines.whole or extension(name) in (".jsonl", ".ndjson"))


class _Again:
    """A file of which the first bytes were read already."""

    def __init__(self, start: bytes, file: InputFile) -> None:
        self._start, self._file = start, file

    def read(self, size: int, /) -> bytes:
        start, self._start = self._start, b""
        return start + self._file.read(size - len(start))

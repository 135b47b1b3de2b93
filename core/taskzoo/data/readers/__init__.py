"""Files to rows: CoNLL, JSON lines, JSON arrays, CSV, TSV, Parquet, parallel files, TMX, and folders of classes.

What cannot be read is refused with file, line and the fix; nothing is guessed into a default label.

* Formats follow the content as well as the extension: see :mod:`.detect`.
* Roles find their columns by name, synonym, language or position: see :mod:`taskzoo.data.columns`.
* The first line of a table is a header or data by the rule in :mod:`.tables`.
* Two files of one line per row: :mod:`.parallel`.
* Classes from the names of files and folders: see :mod:`.text_classes`.
* Rows that belong together: see :mod:`taskzoo.data.groups`.

The core registers its readers as plugins do: see :mod:`taskzoo.builtin`.
"""

from __future__ import annotations

from pathlib import Path

from taskzoo.types import Row

from ..columns import Columns, ReadRequest
from ..groups import GROUP, parse_group
from ..language_columns import LANGUAGES
from .base import FileReader, Reader
from .detect import choose_reader, formats_of, plugin_readers, reader_with_files
from .files import content_name, read_bytes
from .folders import find_splits, unused_entries
from .parallel import ParallelFiles, find_parallel, names_parallel
from .sources import content_sha256, expand, file_sha256, require_source, source_files
from .text_classes import TextClasses, reads_classes

__all__ = [
    "GROUP",
    "LANGUAGES",
    "FileReader",
    "ReadRequest",
    "Reader",
    "content_sha256",
    "expand",
    "file_sha256",
    "find_splits",
    "names_parallel",
    "parse_group",
    "read_rows",
    "require_source",
    "source_files",
    "unused_entries",
]


def read_rows(path: str | Path, request: ReadRequest) -> list[Row]:
    """All rows of one file, a pair of parallel files or a folder of classes.

    Fields are the task's roles; other columns are dropped. A required role that is empty or null is an error; an
    optional one is then left out of the row's fields. Values of tables are text, exactly as they stand in the file;
    values of CoNLL are lists of text. Rows have the field ``group`` as text where it is asked for, and the field
    ``languages`` where any is known: the codes in the order of the roles that have one.

    Args:
        path: the file, plain or packed; for a task with the roles ``text`` and ``label``, also a folder as in
            :mod:`.text_classes`; for one that reads parallel files, also their name as in :mod:`.parallel`.
        request: what is wanted of it.

    Raises:
        DataError: the file is missing, unreadable, empty or malformed, or lacks a column; with file and line.
        UnknownNameError: the request names a role or a format that the task does not have.
        RequestError: its ``group`` has another form.
    """
    path = Path(path)
    columns = Columns(request, str(path))
    formats = formats_of(columns)
    left_out = len(request.bad or ())
    reader = named_reader(path, columns, formats)
    if reader is not None:
        rows = reader.read(path, request)
    else:
        data = read_bytes(path)
        reader = choose_reader(content_name(path), data, columns, formats)
        rows = reader.parse(data, columns) if isinstance(reader, FileReader) else reader.read(path, request)
    if not rows and len(request.bad or ()) == left_out:
        raise columns.error(f"no rows were found, reading it as {reader.name}.")
    return rows


def named_reader(path: Path, columns: Columns, formats: tuple[str, ...]) -> Reader | None:
    """The reader for what is not a single file of a built-in format, if the path or the request says so."""
    asked, roles = columns.request.format, columns.request.spec.columns
    if reader := reader_with_files(path, roles, asked):
        return reader
    if path.is_dir():
        if asked in (plugins := plugin_readers(roles, asked)):
            return plugins[asked]
        return TextClasses() if reads_classes(roles) else None
    is_pair = asked is None and "parallel" in formats and find_parallel(path, columns.languages.given)
    return ParallelFiles() if is_pair or asked == "parallel" else None

"""Files to rows: CoNLL, JSON lines, JSON arrays, CSV, TSV, Parquet, and text files or folders per class.

What cannot be read is refused with file, line and the fix; nothing is guessed into a default label.

* Formats follow the content as well as the extension: see :mod:`.detect`.
* Roles find their columns by name, synonym or position: see :mod:`.columns`.
* The first line of a table is a header or data by the rule in :mod:`.tables`.
* Classes from the names of files and folders: see :mod:`.text_classes`.
* Rows that belong together: see :mod:`.groups`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...errors import DataError
from ...task import Row
from .columns import check_roles
from .conll import read_conll
from .detect import choose_format, is_parquet
from .files import read_bytes, to_text
from .folders import find_splits
from .groups import GROUP, Grouping, parse_group
from .objects import read_array, read_lines
from .parquet import read_parquet
from .tables import read_csv, read_tsv
from .text_classes import content_sha256, find_classes, read_text_classes, reads_classes, require_source
from .values import mixed_types

__all__ = [
    "GROUP",
    "Grouping",
    "content_sha256",
    "find_classes",
    "find_splits",
    "mixed_types",
    "parse_group",
    "read_rows",
    "read_text_classes",
    "reads_classes",
    "require_source",
]


def read_rows(
    path: str | Path,
    *,
    formats: tuple[str, ...],
    columns: Mapping[str, str] | None = None,
    roles: Mapping[str, str],
    format: str | None = None,
    required: frozenset[str] | None = None,
    header: bool | None = None,
    group: str | None = None,
) -> list[Row]:
    """All rows of one file, or of one folder of classes; fields are the task's roles, other columns are dropped.

    A required role that is empty or null is an error; an optional one is then left out of the row's fields.
    Values of tables are text, exactly as they stand in the file; values of CoNLL are lists of text.

    Args:
        path: the file, plain or gzipped; or, for a task with the roles ``text`` and ``label``, a folder as in
            :mod:`.text_classes`.
        formats: formats the task reads, most natural first (``TaskSpec.formats``).
        columns: role -> column name, or position from 0 (from the end: -1) in tables and CoNLL.
        roles: role -> description (``TaskSpec.columns``).
        format: the format, where neither extension nor content tells.
        required: the roles every row must have; all by default. At least one role must always find a column.
        header: whether the first line of a table names its columns; found out by default.
        group: ``COLUMN`` or ``COLUMN:SEPARATOR``; its value, up to the separator, is then in each row's field
            ``group`` as text.

    Raises:
        DataError: the file is missing, unreadable, empty or malformed, or lacks a column; with file and line.
        UnknownNameError: ``columns`` names a role, or ``format`` a format, that the task does not have.
        RequestError: ``group`` has another form.
    """
    path = Path(path)
    source = str(path)
    mapping = check_roles(columns or {}, roles)
    needed = frozenset(roles) if required is None else required
    grouping = None if group is None else parse_group(group)
    if path.is_dir() and reads_classes(roles):
        given = {"--columns": mapping, "--format": format, "--group-by": group}
        if unused := [option for option, value in given.items() if value]:
            raise DataError(f"a folder of classes has no columns; leave out {', '.join(unused)}.", file=source)
        return read_text_classes(path)
    if grouping:
        roles, mapping, needed = {**roles, GROUP: ""}, {**mapping, GROUP: grouping.column}, needed | {GROUP}
    data = read_bytes(path)
    if is_parquet(path, data, formats, format):
        chosen = "parquet"
        rows = read_parquet(data, source, roles, needed, mapping)
    else:
        text = to_text(data, source)
        chosen = choose_format(path, text, formats, format, roles, needed, mapping)
        rows = _read_text(chosen, text, source, roles, needed, mapping, header)
    if not rows:
        raise DataError(f"no rows were found, reading it as {chosen}.", file=source)
    return [grouping.apply(row) for row in rows] if grouping else rows


def _read_text(
    format: str,
    text: str,
    source: str,
    roles: Mapping[str, str],
    required: frozenset[str],
    columns: Mapping[str, str],
    header: bool | None,
) -> list[Row]:
    if format == "conll":
        return read_conll(text, source, roles, required, columns)
    if format == "jsonl":
        return read_lines(text, source, roles, required, columns)
    if format == "json":
        return read_array(text, source, roles, required, columns)
    read = read_csv if format == "csv" else read_tsv
    return read(text, source, roles, required, columns, header)

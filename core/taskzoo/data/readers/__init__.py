"""Files to rows: CoNLL, JSON lines, JSON arrays, CSV and TSV, each also gzipped.

What cannot be read is refused with file, line and the fix; nothing is guessed into a default label.

* Formats follow the content as well as the extension: see :mod:`.detect`.
* Roles find their columns by name, synonym or position: see :mod:`.columns`.
* The first line of a table is a header or data by the rule in :mod:`.tables`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...errors import DataError
from ...task import Row
from .columns import check_roles
from .conll import read_conll
from .detect import choose_format
from .files import read_text
from .folders import find_splits
from .objects import read_array, read_lines
from .tables import read_csv, read_tsv
from .values import mixed_types

__all__ = ["find_splits", "mixed_types", "read_rows"]


def read_rows(
    path: str | Path,
    *,
    formats: tuple[str, ...],
    columns: Mapping[str, str] | None = None,
    roles: Mapping[str, str],
    format: str | None = None,
    required: frozenset[str] | None = None,
    header: bool | None = None,
) -> list[Row]:
    """All rows of one file; fields are the task's roles, other columns are dropped.

    A required role that is empty or null is an error; an optional one is then left out of the row's fields.
    Values of tables are text, exactly as they stand in the file; values of CoNLL are lists of text.

    Args:
        path: the file, plain or gzipped.
        formats: formats the task reads, most natural first (``TaskSpec.formats``).
        columns: role -> column name, or position from 0 (from the end: -1) in tables and CoNLL.
        roles: role -> description (``TaskSpec.columns``).
        format: the format, where neither extension nor content tells.
        required: the roles every row must have; all by default. At least one role must always find a column.
        header: whether the first line of a table names its columns; found out by default.

    Raises:
        DataError: the file is missing, unreadable, empty or malformed, or lacks a column; with file and line.
        UnknownNameError: ``columns`` names a role, or ``format`` a format, that the task does not have.
    """
    path = Path(path)
    mapping = check_roles(columns or {}, roles)
    needed = frozenset(roles) if required is None else required
    text = read_text(path)
    chosen = choose_format(path, text, formats, format, roles, needed, mapping)
    source = str(path)
    if chosen == "conll":
        rows = read_conll(text, source, roles, needed, mapping)
    elif chosen == "jsonl":
        rows = read_lines(text, source, roles, needed, mapping)
    elif chosen == "json":
        rows = read_array(text, source, roles, needed, mapping)
    elif chosen == "csv":
        rows = read_csv(text, source, roles, needed, mapping, header)
    else:
        rows = read_tsv(text, source, roles, needed, mapping, header)
    if not rows:
        raise DataError(f"no rows were found, reading it as {chosen}.", file=source)
    return rows

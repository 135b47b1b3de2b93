"""Files to rows: CoNLL, JSON lines, JSON arrays, CSV, TSV, Parquet, parallel files, TMX, and folders of classes.

What cannot be read is refused with file, line and the fix; nothing is guessed into a default label.

* Formats follow the content as well as the extension: see :mod:`.detect`.
* Roles find their columns by name, synonym or position: see :mod:`.columns`.
* The first line of a table is a header or data by the rule in :mod:`.tables`.
* Columns named by the language of their texts: see :mod:`.languages`; two files of one line per row: :mod:`.parallel`.
* Classes from the names of files and folders: see :mod:`.text_classes`.
* Rows that belong together: see :mod:`.groups`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from ...errors import DataError
from ...task import Row
from .columns import check_roles
from .conll import read_conll
from .detect import check_format, choose_format, is_parquet
from .files import read_bytes, to_text
from .folders import find_splits
from .groups import GROUP, Grouping, parse_group
from .languages import LANGUAGES, Languages
from .objects import read_array, read_lines
from .parallel import find_parallel, names_parallel, read_parallel
from .parquet import read_parquet
from .sources import content_sha256, file_sha256, require_source, source_files
from .tables import read_csv, read_tsv
from .text_classes import find_classes, read_text_classes, reads_classes
from .tmx import read_tmx
from .values import mixed_types

__all__ = [
    "GROUP",
    "LANGUAGES",
    "Grouping",
    "content_sha256",
    "file_sha256",
    "find_classes",
    "find_splits",
    "mixed_types",
    "names_parallel",
    "parse_group",
    "read_rows",
    "read_text_classes",
    "reads_classes",
    "require_source",
    "source_files",
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
    languages: Mapping[str, str] | None = None,
    notes: Counter[str] | None = None,
) -> list[Row]:
    """All rows of one file, a pair of parallel files or a folder of classes; fields are the task's roles, other columns
    are dropped.

    A required role that is empty or null is an error; an optional one is then left out of the row's fields.
    Values of tables are text, exactly as they stand in the file; values of CoNLL are lists of text.

    Args:
        path: the file, plain or gzipped; for a task with the roles ``text`` and ``label``, also a folder as in
            :mod:`.text_classes`; for one that reads parallel files, also their name as in :mod:`.parallel`.
        formats: formats the task reads, most natural first (``TaskSpec.formats``).
        columns: role -> column name, or position from 0 (from the end: -1) in tables and CoNLL.
        roles: role -> description (``TaskSpec.columns``).
        format: the format, where neither extension nor content tells.
        required: the roles every row must have; all by default. At least one role must always find a column.
        header: whether the first line of a table names its columns; found out by default.
        group: ``COLUMN`` or ``COLUMN:SEPARATOR``; its value, up to the separator, is then in each row's field
            ``group`` as text.
        languages: role -> code of the language of its texts, ``""`` where it is not known, for the roles that have one.
            Columns and files may then be named by languages, and rows have the field ``languages``: the codes in the
            order of these roles, where any is known.
        notes: gets what was left out and how often.

    Raises:
        DataError: the file is missing, unreadable, empty or malformed, or lacks a column; with file and line.
        UnknownNameError: ``columns`` names a role, or ``format`` a format, that the task does not have.
        RequestError: ``group`` has another form.
    """
    path = Path(path)
    source = str(path)
    check_format(format, formats)
    notes = Counter() if notes is None else notes
    spoken = Languages(languages or {})
    mapping = check_roles(columns or {}, roles)
    needed = frozenset(roles) if required is None else required
    grouping = None if group is None else parse_group(group)
    options = {"--columns": mapping, "--group-by": group}
    if path.is_dir() and reads_classes(roles):
        _refuse_options("a folder of classes has", {**options, "--format": format}, source)
        return read_text_classes(path)
    if spoken and "parallel" in formats and format in (None, "parallel"):
        pair = find_parallel(path, spoken.given)
        if pair is not None:
            _refuse_options("parallel files have", options, source)
            return read_parallel(pair, needed, notes)
    if format == "parallel":
        raise DataError(
            "parallel files are two that differ in the end of their names, such as train.en and train.zh; name either, "
            "or both as in 'train.{en,zh}'.",
            file=source,
        )
    if grouping:
        roles, mapping, needed = {**roles, GROUP: ""}, {**mapping, GROUP: grouping.column}, needed | {GROUP}
    data = read_bytes(path)
    if is_parquet(path, data, formats, format):
        chosen = "parquet"
        rows = read_parquet(data, source, roles, needed, mapping, spoken)
    else:
        text = to_text(data, source)
        chosen = choose_format(path, text, formats, format, roles, needed, mapping, spoken)
        if chosen == "tmx":
            _refuse_options("TMX has", options, source)
            return read_tmx(text, source, spoken.given, needed, notes)
        rows = _read_text(chosen, text, source, roles, needed, mapping, spoken, header)
    if not rows:
        raise DataError(f"no rows were found, reading it as {chosen}.", file=source)
    if (codes := spoken.codes()) is not None:
        rows = [Row({LANGUAGES: codes, **row.fields}, row.source, row.line) for row in rows]
    return [grouping.apply(row) for row in rows] if grouping else rows


def _refuse_options(what: str, given: Mapping[str, object], source: str) -> None:
    if unused := [option for option, value in given.items() if value]:
        raise DataError(f"{what} no columns; leave out {', '.join(unused)}.", file=source)


def _read_text(
    format: str,
    text: str,
    source: str,
    roles: Mapping[str, str],
    required: frozenset[str],
    columns: Mapping[str, str],
    languages: Languages,
    header: bool | None,
) -> list[Row]:
    if format == "conll":
        return read_conll(text, source, roles, required, columns)
    if format == "jsonl":
        return read_lines(text, source, roles, required, columns, languages)
    if format == "json":
        return read_array(text, source, roles, required, columns, languages)
    read = read_csv if format == "csv" else read_tsv
    return read(text, source, roles, required, columns, languages, header)

"""Which format a file has.

1. A file that starts with Parquet's magic bytes is Parquet, and no other file is.
2. ``format`` wins when given.
3. A file that starts with a JSON object is JSON lines; one that starts with an array of objects is JSON; one that
   starts with the element ``tmx`` is TMX. Parallel files are found by their names: see :mod:`.parallel`.
4. The extensions of CoNLL, JSON, CSV and TMX decide.
5. Any other file (``.tsv``, ``.txt``, unknown) is CoNLL when the task reads CoNLL and the file holds one token per
   line: every line has the same few columns, and blank lines stand between them or every last column is a tag.
6. Otherwise it is TSV when its first line holds a tab, or if only one column is needed and the first line is no
   header with another separator; else CSV.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from ...errors import DataError, UnknownNameError
from .columns import names_a_role
from .files import split_lines
from .languages import Languages
from .names import extension

FORMATS = ("conll", "jsonl", "json", "csv", "tsv", "parquet", "parallel", "tmx")
EXTENSIONS: Mapping[str, str] = {
    ".conll": "conll",
    ".conllu": "conll",
    ".bio": "conll",
    ".iob": "conll",
    ".iob2": "conll",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",  # an array is found by its content
    ".csv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".tmx": "tmx",
}
_PARQUET = b"PAR1"
_TAG = re.compile(r"O|[BIELSU]-\S+")
_SAMPLE = 1000  # lines
_HEAD = 2000  # characters


def is_parquet(path: Path, data: bytes, formats: tuple[str, ...], format: str | None) -> bool:
    """Whether the file is Parquet and to be read as such.

    Raises:
        DataError: it is and the task does not read Parquet, or ``format`` or the file's name says otherwise.
    """
    source = str(path)
    if not data.startswith(_PARQUET):
        if format == "parquet" or (format is None and EXTENSIONS.get(extension(path)) == "parquet"):
            raise DataError("this is no Parquet file; copy it again, or name its format with --format.", file=source)
        return False
    if "parquet" not in formats:
        raise DataError(f"this is a Parquet file; save it as one of {', '.join(_known(formats))}.", file=source)
    if format not in (None, "parquet"):
        raise DataError(f"this is a Parquet file and not {format}; leave out --format.", file=source)
    return True


def choose_format(
    path: Path,
    text: str,
    formats: tuple[str, ...],
    format: str | None,
    roles: Mapping[str, str],
    required: frozenset[str],
    columns: Mapping[str, str],
    languages: Languages,
) -> str:
    """One of ``formats`` for a text file.

    Raises:
        DataError: the file has a format that the task does not read.
    """
    known = _known(formats)
    if format is not None:
        return format
    found = _json_kind(text) or _xml_kind(text) or EXTENSIONS.get(extension(path))
    if found is None:
        found = _lines_kind(text, str(path), known, roles, required, columns, languages)
    if found not in known:
        raise DataError(
            f"this looks like {found}, and the task reads {', '.join(known)}; convert it, or name its format "
            "with --format.",
            file=str(path),
        )
    return found


def _known(formats: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in formats if name in FORMATS)


def check_format(format: str | None, formats: tuple[str, ...]) -> None:
    """Raise UnknownNameError where ``format`` is not one the task reads."""
    known = _known(formats)
    if format is not None and format not in known:
        raise UnknownNameError("format", format, known, f"This task reads {', '.join(known)}.")


def _json_kind(text: str) -> str | None:
    start = text.lstrip()
    if re.match(r"\[\s*[{\]]", start):
        return "json"
    if start.startswith("{"):
        try:
            json.loads(start.split("\n", 1)[0])
        except (ValueError, RecursionError):
            return None
        return "jsonl"
    return None


def _xml_kind(text: str) -> str | None:
    start = text[:_HEAD].lstrip()
    return "tmx" if start.startswith("<") and re.search(r"<tmx[\s>]", start) else None


def _lines_kind(
    text: str,
    source: str,
    known: tuple[str, ...],
    roles: Mapping[str, str],
    required: frozenset[str],
    columns: Mapping[str, str],
    languages: Languages,
) -> str:
    lines = split_lines(text, source)[:_SAMPLE]
    tables = {"tsv", "csv"} & set(known)
    if "conll" in known and (not tables or _is_conll(lines, roles, columns)):
        return "conll"
    first = next((line for line in lines if line.strip()), "")
    if "csv" not in tables or ("\t" in first and "tsv" in tables):
        return "tsv"
    parts = [first.split(mark) for mark in ",;|" if mark in first]
    header = any(names_a_role(c, roles, columns) or languages.are_header(c, roles, columns) for c in parts)
    return "csv" if header or len(required) > 1 or "tsv" not in tables else "tsv"


def _is_conll(lines: list[str], roles: Mapping[str, str], columns: Mapping[str, str]) -> bool:
    content = [line for line in lines if line.strip(" \t") and not line.startswith("# ")]
    if not content:
        return False
    tabs = any("\t" in line for line in content)
    table = [line.split("\t") if tabs else line.split() for line in content]
    if names_a_role(table[0], roles, columns) and not _TAG.fullmatch(table[0][-1].strip()):
        return False  # a header; "Review O" is a token and its tag
    if len({len(cells) for cells in table}) > 1 or any(" " in cells[0].strip() for cells in table):
        return False
    last = max(index for index, line in enumerate(lines) if line.strip(" \t"))
    blank_between = any(not line.strip(" \t") for line in lines[:last])
    return blank_between or (len(table[0]) > 1 and all(_TAG.fullmatch(cells[-1].strip()) for cells in table))

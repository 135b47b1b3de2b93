"""Which format a file has.

1. ``format`` wins when given; but a file that starts with Parquet's magic bytes is Parquet, and no other file is.
2. A reader of a plugin is taken when it knows the content (:meth:`~.base.Reader.matches`), or for a suffix of its own.
3. A file that starts with a JSON object is JSON lines; one that starts with an array of objects is JSON; one that
   starts with the element ``tmx`` is TMX. Parallel files are found by their names: see :mod:`.parallel`.
4. The suffixes of CoNLL, JSON, CSV and TMX decide.
5. Any other file (``.tsv``, ``.txt``, unknown) is CoNLL when the task reads CoNLL and the file holds one token per
   line: every line has the same few columns, and empty lines stand between them or every last column is a tag.
6. Otherwise it is TSV when its first line holds a tab, or if only one column is needed and the first line is not a
   header with another separator; else CSV.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from taskzoo import registry
from taskzoo.errors import UnknownNameError

from ..columns import Columns
from .base import FileReader, Reader
from .conll import Conll
from .files import split_lines, to_text
from .names import extension
from .objects import JsonArray, JsonLines
from .parquet import MAGIC, Parquet
from .tables import Csv, Tsv
from .tmx import Tmx

FILES: Mapping[str, type[FileReader]] = {
    reader.name: reader for reader in (Conll, JsonLines, JsonArray, Csv, Tsv, Parquet, Tmx)
}
"""The built-in formats of single files."""
BUILT_IN = (*FILES, "parallel", "classes")
SUFFIXES: Mapping[str, str] = {
    suffix: reader.name for reader in FILES.values() for suffix in reader.suffixes if reader is not Tsv
}
"""Suffix -> the built-in format that it says; ``.tsv`` may be CoNLL as well."""

_TAG = re.compile(r"O|[BIELSU]-\S+")
_SAMPLE = 1000  # lines
_HEAD = 2000  # characters


def formats_of(columns: Columns) -> tuple[str, ...]:
    """The formats that the task reads: those it names, and those of plugins.

    Raises:
        UnknownNameError: the request names another.
    """
    named = [name for name in columns.request.spec.formats if name in BUILT_IN]
    formats = tuple(dict.fromkeys([*named, *plugin_readers()]))
    if columns.request.format not in (None, *formats):
        asked = str(columns.request.format)
        raise UnknownNameError("format", asked, formats, f"This task reads {', '.join(formats)}.")
    return formats


def plugin_readers() -> dict[str, type[Reader]]:
    """The readers that are not built in."""
    return {entry.name: registry.reader(entry.name) for entry in registry.readers() if entry.name not in BUILT_IN}


def choose_reader(path: Path, data: bytes, columns: Columns, formats: Sequence[str]) -> Reader:
    """The reader for an unpacked file.

    Raises:
        DataError: the file has a format that the task does not read.
    """
    asked = columns.request.format
    for name, reader in plugin_readers().items():
        own = {*reader.suffixes} - SUFFIXES.keys()
        if asked == name or (asked is None and (reader().matches(data[:_HEAD]) or extension(path) in own)):
            return reader()
    if _is_parquet(path, data, columns, formats):
        return Parquet()
    if asked is not None:
        return FILES[asked]()
    text = to_text(data, columns.source)
    suffix = SUFFIXES.get(extension(path))
    found = _marked_kind(text) or suffix or _lines_kind(text, columns, formats)
    if found not in formats:
        message = f"this looks like {found}, and the task reads {', '.join(formats)}"
        raise columns.error(f"{message}; convert it, or name its format with --format.")
    return FILES[found]()


def _is_parquet(path: Path, data: bytes, columns: Columns, formats: Sequence[str]) -> bool:
    """Whether the file is Parquet and to be read as such.

    Raises:
        DataError: it is and the task does not read Parquet, or ``--format`` or the file's name says otherwise.
    """
    asked = columns.request.format
    if not data.startswith(MAGIC):
        if asked == "parquet" or (asked is None and SUFFIXES.get(extension(path)) == "parquet"):
            raise columns.error("this is not a Parquet file; copy it again, or name its format with --format.")
        return False
    if "parquet" not in formats:
        raise columns.error(f"this is a Parquet file; save it as one of {', '.join(formats)}.")
    if asked not in (None, "parquet"):
        raise columns.error(f"this is a Parquet file and not {asked}; leave out --format.")
    return True


def _marked_kind(text: str) -> str | None:
    """The format that the beginning of the text says."""
    start = text.lstrip()
    if re.match(r"\[\s*[{\]]", start):
        return "json"
    if start.startswith("{"):
        try:
            json.loads(start.split("\n", 1)[0])
        except (ValueError, RecursionError):
            return None
        return "jsonl"
    return "tmx" if start.startswith("<") and re.search(r"<tmx[\s>]", start[:_HEAD]) else None


def _lines_kind(text: str, columns: Columns, formats: Sequence[str]) -> str:
    lines = split_lines(text, columns.source)[:_SAMPLE]
    tables = {"tsv", "csv"} & set(formats)
    if "conll" in formats and (not tables or _is_conll(lines, columns)):
        return "conll"
    first = next((line for line in lines if line.strip()), "")
    if "csv" not in tables or ("\t" in first and "tsv" in tables):
        return "tsv"
    parts = [first.split(mark) for mark in ",;|" if mark in first]
    header = any(columns.are_header(cells) or columns.languages.are_header(cells) for cells in parts)
    return "csv" if header or len(columns.required) > 1 or "tsv" not in tables else "tsv"


def _is_conll(lines: Sequence[str], columns: Columns) -> bool:
    content = [line for line in lines if line.strip(" \t") and not line.startswith("# ")]
    if not content:
        return False
    tabs = any("\t" in line for line in content)
    table = [line.split("\t") if tabs else line.split() for line in content]
    if columns.are_header(table[0]) and not _TAG.fullmatch(table[0][-1].strip()):
        return False  # a header; "Review O" is a token and its tag
    if len({len(cells) for cells in table}) > 1 or any(" " in cells[0].strip() for cells in table):
        return False
    last = max(index for index, line in enumerate(lines) if line.strip(" \t"))
    empty_between = any(not line.strip(" \t") for line in lines[:last])
    return empty_between or (len(table[0]) > 1 and all(_TAG.fullmatch(cells[-1].strip()) for cells in table))

"""Which format a file has.

1. ``format`` wins when given; but a file that starts with Parquet's magic bytes is Parquet, and no other file is.
2. A reader of a plugin is taken when it knows the content (:meth:`~.base.Reader.matches`), or for a suffix of its own.
3. A file that starts with a JSON object is JSON lines; one that starts with an array of objects is JSON; one that
   starts with the element ``tmx`` is TMX, with ``xliff`` XLIFF, and with a ``msgid`` PO; other XML is refused. Parallel
   files are found by their names: see :mod:`.parallel`.
4. The suffixes of CoNLL, JSON, CSV, TMX, XLIFF and PO decide.
5. For a task that reads plain lines, any other file that does not hold one token per line is that.
6. Any other file (``.tsv``, ``.txt``, unknown) is CoNLL when the task reads CoNLL and the file holds one token per
   line: every line has the same few columns, and empty lines stand between them or every last column is a tag.
7. Otherwise it is TSV when its first line holds a tab, or if only one column is needed and the first line is not a
   header with another separator; else CSV.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from taskzoo import registry
from taskzoo.errors import PluginError, UnknownNameError
from taskzoo.option_names import option_name

from ..columns import Columns
from .base import FileReader, Reader
from .conll import Conll
from .fasttext import FastText, is_fasttext
from .files import split_lines, to_text
from .lines import Lines, are_plain_lines
from .names import extension
from .objects import JsonArray, JsonLines
from .parquet import MAGIC, Parquet
from .po import Po
from .tables import Csv, Tsv
from .tmx import Tmx
from .xliff import Xliff

FILES: Mapping[str, type[FileReader]] = {
    reader.name: reader for reader in (Conll, JsonLines, JsonArray, Csv, Tsv, Parquet, Tmx, Xliff, Po, FastText, Lines)
}
"""The built-in formats of single files."""
BUILT_IN = (*FILES, "parallel", "classes")
SUFFIXES: Mapping[str, str] = {
    suffix: reader.name for reader in FILES.values() for suffix in reader.suffixes if reader is not Tsv
}
"""Suffix -> the built-in format that it says; ``.tsv`` may be CoNLL as well."""

_PO = re.compile(r'(?:(?:#[^\n]*)?\n)*msg(?:id|ctxt)\s+"')
_XML = re.compile(r"<\?xml\b|<!DOCTYPE\b|<html\b", re.IGNORECASE)
_ELEMENT = re.compile(r"<([A-Za-z_][\w:.-]*)")
_OBJECT = re.compile(r"""\{\s*(?:"(?:[^"\\\n]|\\.)*"\s*:|'(?:[^'\\\n]|\\.)*'\s*:|\})""")
_TAG = re.compile(r"O|[BIELSUM](-\S.*)?")
_SAMPLE = 1000  # lines
_HEAD = 2000  # characters
_MATCHED = 2**16  # bytes


def formats_of(columns: Columns) -> tuple[str, ...]:
    """The formats that the task reads: those it names, and those of plugins.

    Raises:
        UnknownNameError: the request names another.
    """
    named = [name for name in columns.request.spec.formats if name in BUILT_IN]
    formats = tuple(dict.fromkeys([*named, *plugin_readers(columns.request.spec.columns, columns.request.format)]))
    if columns.request.format not in (None, *formats):
        asked = str(columns.request.format)
        raise UnknownNameError("format", asked, formats, f"This task reads {', '.join(formats)}.")
    return formats


def plugin_readers(roles: Collection[str], format: str | None = None) -> dict[str, Reader]:
    """The readers that are not built in, made, for a task with these roles.

    One that cannot be made keeps nobody from reading other files: ``zoo plugins --verify`` names it.

    Raises:
        PluginError: it is the one of the ``format`` that was asked for.
    """
    found = {}
    for entry in registry.readers():
        try:
            if entry.name not in BUILT_IN and {*(reader := registry.reader(entry.name)).roles} <= {*roles}:
                found[entry.name] = reader()
        except Exception as error:  # whatever a stranger's class may raise
            if entry.name == format:
                what = f"The format {entry.name!r} cannot be used ({type(error).__name__}: {error})"
                raise PluginError(f"{what}; `zoo plugins` says whose it is.") from error
    return found


def reader_with_files(path: Path, roles: Collection[str], format: str | None = None) -> Reader | None:
    """The plugin's reader that reads more for a path than a single file (:meth:`~.base.Reader.files`), if one does."""
    asked = {name: reader for name, reader in plugin_readers(roles, format).items() if format in (None, name)}
    return next((reader for reader in asked.values() if reader.files(path)), None)


def choose_reader(path: Path, data: bytes, columns: Columns, formats: Sequence[str]) -> Reader:
    """The reader for an unpacked file.

    Raises:
        DataError: the file has a format that the task does not read.
    """
    asked = columns.request.format
    for name, reader in plugin_readers(columns.request.spec.columns, asked).items():
        own = {*reader.suffixes} - SUFFIXES.keys()
        if asked == name or (asked is None and (reader.matches(data[:_MATCHED]) or extension(path) in own)):
            return reader
    if _is_parquet(path, data, columns, formats):
        return Parquet()
    if asked is not None:
        return FILES[asked]()
    text = to_text(data, columns.source)
    suffix = SUFFIXES.get(extension(path))
    marked = _marked_kind(text)
    if marked is None and _XML.match(text.lstrip()[:_HEAD]):
        root = _ELEMENT.search(text[:_HEAD])
        what = f"XML or HTML with the root element <{root[1]}>" if root else "XML or HTML"
        raise columns.error(f"this is {what}, which is not read; convert it to one of {', '.join(formats)}.")
    found = marked or suffix or _lines_kind(text, columns, formats)
    if found not in formats:
        message = f"this looks like {found}, and the task reads {', '.join(formats)}"
        raise columns.error(f"{message}; convert it, or name its format with {option_name('format')}.")
    return FILES[found]()


def _is_parquet(path: Path, data: bytes, columns: Columns, formats: Sequence[str]) -> bool:
    """Whether the file is Parquet and to be read as such.

    Raises:
        DataError: it is and the task does not read Parquet, or ``--format`` or the file's name says otherwise.
    """
    asked = columns.request.format
    if not data.startswith(MAGIC):
        if asked == "parquet" or (asked is None and SUFFIXES.get(extension(path)) == "parquet"):
            fix = f"copy it again, or name its format with {option_name('format')}"
            raise columns.error(f"this is not a Parquet file; {fix}.")
        return False
    if "parquet" not in formats:
        raise columns.error(f"this is a Parquet file; save it as one of {', '.join(formats)}.")
    if asked not in (None, "parquet"):
        raise columns.error(f"this is a Parquet file and not {asked}; leave out {option_name('format')}.")
    return True


def _marked_kind(text: str) -> str | None:
    """The format that the beginning of the text says."""
    start = text.lstrip()
    if re.match(r"\[\s*[{\]]", start):
        return "json"
    if _OBJECT.match(start):
        return "jsonl"
    if start.startswith("<") and (root := re.search(r"<(?:\w+:)?(tmx|xliff)[\s>]", start[:_HEAD])):
        return root[1]
    return "po" if _PO.match(start) else None


def _lines_kind(text: str, columns: Columns, formats: Sequence[str]) -> str:
    lines = split_lines(text, columns.source)[:_SAMPLE]
    if "fasttext" in formats and is_fasttext(lines, columns):
        return "fasttext"
    tables = {"tsv", "csv"} & set(formats)
    if "lines" in formats and are_plain_lines(lines):
        return "lines"
    if "conll" in formats and (not tables or _is_conll(lines, columns)):
        return "conll"
    first = next((line for line in lines if line.strip()), "")
    if "csv" in tables and re.fullmatch("sep=.", first):
        return "csv"
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

"""Which format a file has.

1. ``format`` wins when given.
2. A file that starts with a JSON object is JSON lines; one that starts with an array of objects is JSON.
3. The extensions of CoNLL, JSON and CSV decide.
4. Any other file (``.tsv``, ``.txt``, unknown) is CoNLL when the task reads CoNLL and the file holds one token per
   line: every line has the same few columns, and blank lines stand between them or every last column is a tag.
5. Otherwise it is TSV when its first line holds a tab, or if only one column is needed and the first line is no
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

FORMATS = ("conll", "jsonl", "json", "csv", "tsv")
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
}
_TAG = re.compile(r"O|[BIELSU]-\S+")
_SAMPLE = 1000  # lines


def extension(path: Path) -> str:
    """The lower-case extension, that of the content for a ``.gz``."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def choose_format(
    path: Path,
    text: str,
    formats: tuple[str, ...],
    format: str | None,
    roles: Mapping[str, str],
    required: frozenset[str],
    columns: Mapping[str, str],
) -> str:
    """One of ``formats``.

    Raises:
        UnknownNameError: ``format`` is not one the task reads.
        DataError: the file has a format that the task does not read.
    """
    known = tuple(name for name in formats if name in FORMATS)
    if format is not None:
        if format not in known:
            raise UnknownNameError("format", format, known, f"This task reads {', '.join(known)}.")
        return format
    found = _json_kind(text) or EXTENSIONS.get(extension(path))
    if found is None:
        found = _lines_kind(text, str(path), known, roles, required, columns)
    if found not in known:
        raise DataError(
            f"this looks like {found}, and the task reads {', '.join(known)}; convert it, or name its format "
            "with --format.",
            file=str(path),
        )
    return found


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


def _lines_kind(
    text: str,
    source: str,
    known: tuple[str, ...],
    roles: Mapping[str, str],
    required: frozenset[str],
    columns: Mapping[str, str],
) -> str:
    lines = split_lines(text, source)[:_SAMPLE]
    tables = {"tsv", "csv"} & set(known)
    if "conll" in known and (not tables or _is_conll(lines, roles, columns)):
        return "conll"
    first = next((line for line in lines if line.strip()), "")
    if "csv" not in tables or ("\t" in first and "tsv" in tables):
        return "tsv"
    header = any(mark in first and names_a_role(first.split(mark), roles, columns) for mark in ",;|")
    return "csv" if header or len(required) > 1 or "tsv" not in tables else "tsv"


def _is_conll(lines: list[str], roles: Mapping[str, str], columns: Mapping[str, str]) -> bool:
    content = [line for line in lines if line.strip(" \t") and not line.startswith("# ")]
    if not content:
        return False
    tabs = any("\t" in line for line in content)
    table = [line.split("\t") if tabs else line.split() for line in content]
    if names_a_role(table[0], roles, columns):
        return False  # a header
    if len({len(cells) for cells in table}) > 1 or any(" " in cells[0].strip() for cells in table):
        return False
    last = max(index for index, line in enumerate(lines) if line.strip(" \t"))
    blank_between = any(not line.strip(" \t") for line in lines[:last])
    return blank_between or (len(table[0]) > 1 and all(_TAG.fullmatch(cells[-1].strip()) for cells in table))

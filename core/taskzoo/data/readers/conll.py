"""CoNLL: one token per line, its tag in another column, sentences separated by empty lines.

* Tabs separate columns when any content line holds a tab, otherwise spaces do.
* A line of nothing but spaces and tabs ends a sentence; so does ``-DOCSTART-``, which is skipped.
* A comment starts with ``# ``. In a file with tabs it holds no tab; in a file with spaces it holds ``=`` and has
  another number of columns than the file, or a tab. A token ``#`` with its tag is a token.
* Without ``columns``, tokens are the first column and tags the last.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from taskzoo.errors import DataError
from taskzoo.types import Row

from ..column_names import option, position, quoted
from ..columns import Columns
from ..groups import GROUP
from .base import FileReader
from .files import split_lines, to_text

_Line = tuple[int, list[str]]  # line number and cells


class Conll(FileReader):
    """One row per sentence; every field is a list with one string per token."""

    name = "conll"
    suffixes = (".conll", ".conllu", ".bio", ".iob", ".iob2")

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        sentences = _sentences(to_text(data, columns.source), columns.source)
        if not sentences:
            return []
        number, cells = sentences[0][0]
        where = _positions(len(cells), columns, number)
        rows = []
        for sentence in sentences:
            fields = {role: [_cell(line, index, role, columns) for line in sentence] for role, index in where.items()}
            rows.append(columns.row(fields, sentence[0][0]))
        if "tokens" in where and "tokens" not in columns.mapped:
            _refuse_counters(rows, columns)
        return rows


def _sentences(text: str, source: str) -> list[list[_Line]]:
    """Sentences of equally many cells per line, comments removed."""
    numbered = [(number, line) for number, line in enumerate(split_lines(text, source), start=1)]
    tabs = any("\t" in line for _, line in numbered if line.strip(" \t") and not line.startswith("# "))
    content = [line for _, line in numbered if line.strip(" \t") and not line.startswith("-DOCSTART-")]
    # The first line that is surely not a comment says how many columns there are.
    sure = next((line for line in content if not line.startswith("# ")), content[0] if content else "")
    width = len(_split(sure, tabs))
    sentences: list[list[_Line]] = [[]]
    first = 0
    for number, line in numbered:
        if not line.strip(" \t") or line.startswith("-DOCSTART-"):
            if sentences[-1]:
                sentences.append([])
            continue
        cells = _split(line, tabs)
        if _is_comment(line, cells, tabs, width):
            continue
        first = first or number
        if len(cells) != width:
            message = f"{len(cells)} column{'s' if len(cells) > 1 else ''} here and {width} on line {first}"
            how = f"({'tabs' if tabs else 'spaces'} separate columns in this file)"
            raise DataError(f"{message} {how}: {quoted([line], width=60)}.", file=source, line=number)
        sentences[-1].append((number, cells))
    return sentences if sentences[-1] else sentences[:-1]


def _split(line: str, tabs: bool) -> list[str]:
    """Cells; only spaces and tabs separate, so that odd whitespace such as U+00A0 can be a token."""
    if not tabs:
        return re.split(r"[ \t]+", line.strip(" \t"))
    return [cell.strip(" ") for cell in line.split("\t")] if " " in line else line.split("\t")


def _is_comment(line: str, cells: list[str], tabs: bool, width: int) -> bool:
    comment = "\t" not in line if tabs else "=" in line and ("\t" in line or len(cells) != width)
    return comment and line.startswith("# ")


def _positions(width: int, columns: Columns, line: int) -> dict[str, int]:
    """Role -> column."""
    where: dict[str, int] = {}
    for role, name in columns.mapped.items():
        if position(name) is None:
            message = f"CoNLL columns have no names, so {role}={name} cannot be found"
            raise columns.error(f"{message}; give its position, as in {option([role], '0')}.")
        where[role] = columns.at(role, name, width)
    taken = {index for role, index in where.items() if role != GROUP}
    for role, index in (("tokens", 0), ("tags", width - 1)):
        if role in columns.roles and index not in taken and (role == "tokens" or width > 1):
            where.setdefault(role, index)
    where = {role: where[role] for role in columns.roles if role in where}
    missing = columns.unfound(where)
    if missing == ["tags"]:
        fix = "if this file has no tags, it can only be used for prediction"
        raise columns.error(f"one column, and training needs a token and a tag on each line; {fix}.", line)
    if missing:
        raise columns.error(f"no column for {', '.join(missing)}; give its position, as in --columns {missing[0]}=1.")
    columns.check_distinct(where)
    if GROUP in where and where[GROUP] == where.get("tags") and "tags" not in columns.mapped:
        message = f"column {where[GROUP]} is the last, so it would be read as the tags"
        raise columns.error(f"{message}; say which column holds them, as in --columns tags=1.")
    return where


def _cell(line: _Line, index: int, role: str, columns: Columns) -> str:
    number, cells = line
    if not cells[index]:
        raise columns.error(f"column {index} ({role}) is empty here: {quoted(cells)}.", number)
    return cells[index]


def _refuse_counters(rows: Sequence[Row], columns: Columns) -> None:
    """Token numbers (the first column of CoNLL-U) would be learnt as if they were words."""
    if max(len(row["tokens"]) for row in rows) < 3:
        return
    for start in (0, 1):
        if all(row["tokens"] == [str(i) for i in range(start, start + len(row["tokens"]))] for row in rows):
            fix = "say which column holds the words, as in --columns tokens=1"
            raise columns.error(f"the first column counts the tokens; {fix}.", rows[0].line)

"""CoNLL: one token per line, its tag in another column, sentences apart by blank lines.

* Columns are apart by tabs when any content line holds a tab, otherwise by blanks.
* A line of nothing but blanks and tabs ends a sentence; so does ``-DOCSTART-``, which is skipped.
* A comment starts with ``# ``. In a file with tabs it holds no tab; in a file with blanks it holds ``=`` and has
  another number of columns than the file, or a tab. A token ``#`` with its tag is a token.
* Without ``columns``, tokens are the first column and tags the last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...errors import DataError
from ...task import Row
from .columns import check_distinct, option, position, quoted, to_position, wanted_roles
from .files import split_lines
from .groups import GROUP

_Line = tuple[int, list[str]]  # line number and cells


def read_conll(
    text: str, source: str, roles: Mapping[str, str], required: frozenset[str], columns: Mapping[str, str]
) -> list[Row]:
    """One row per sentence; every field is a list with one string per token.

    Raises:
        DataError: one column only, ragged rows, an empty token or tag, a column out of range.
    """
    sentences = _sentences(text, source)
    if not sentences:
        return []
    number, cells = sentences[0][0]
    where = _positions(len(cells), source, number, roles, required, columns)
    rows = []
    for sentence in sentences:
        fields: dict[str, list[str]] = {}
        for role, index in where.items():
            fields[role] = [_cell(line, index, role, source) for line in sentence]
        rows.append(Row(fields, source, sentence[0][0]))
    if "tokens" in where and "tokens" not in columns:
        _refuse_counters(rows, source)
    return rows


def _sentences(text: str, source: str) -> list[list[_Line]]:
    """Sentences of equally many cells per line, comments removed."""
    numbered = [(number, line) for number, line in enumerate(split_lines(text, source), start=1)]
    tabs = any("\t" in line for _, line in numbered if line.strip(" \t") and not line.startswith("# "))
    content = [line for _, line in numbered if line.strip(" \t") and not line.startswith("-DOCSTART-")]
    # The first line that is surely no comment says how many columns there are.
    sure = next((line for line in content if not line.startswith("# ")), content[0] if content else "")
    width = len(_split(sure, tabs))
    sentences: list[list[_Line]] = []
    current: list[_Line] = []
    first = 0
    for number, line in numbered:
        if not line.strip(" \t") or line.startswith("-DOCSTART-"):
            if current:
                sentences.append(current)
            current = []
            continue
        cells = _split(line, tabs)
        if _is_comment(line, cells, tabs, width):
            continue
        first = first or number
        if len(cells) != width:
            raise DataError(
                f"{len(cells)} column{'s' if len(cells) > 1 else ''} here and {width} on line {first} "
                f"({'tabs' if tabs else 'blanks'} separate columns in this file): {quoted([line], width=60)}.",
                file=source,
                line=number,
            )
        current.append((number, cells))
    return [*sentences, current] if current else sentences


def _split(line: str, tabs: bool) -> list[str]:
    """Cells; only blanks and tabs separate, so that odd white space such as U+00A0 can be a token."""
    if not tabs:
        return re.split(r"[ \t]+", line.strip(" \t"))
    return [cell.strip(" ") for cell in line.split("\t")] if " " in line else line.split("\t")


def _is_comment(line: str, cells: list[str], tabs: bool, width: int) -> bool:
    if not line.startswith("# "):
        return False
    if tabs:
        return "\t" not in line
    return "=" in line and ("\t" in line or len(cells) != width)


def _positions(
    width: int,
    source: str,
    line: int,
    roles: Mapping[str, str],
    required: frozenset[str],
    columns: Mapping[str, str],
) -> dict[str, int]:
    """role -> column."""
    where: dict[str, int] = {}
    for role, name in columns.items():
        if position(name) is None:
            raise DataError(
                f"CoNLL columns have no names, so {role}={name} cannot be found; give its position, "
                f"as in {option([role], '0')}.",
                file=source,
            )
        where[role] = to_position(name, role, width, source)
    if "tokens" in roles:
        where.setdefault("tokens", 0)
    if "tags" in roles and width > 1:
        where.setdefault("tags", width - 1)
    where = {role: where[role] for role in roles if role in where}
    missing = [role for role in roles if role in required and role not in where]
    if missing == ["tags"]:
        raise DataError(
            "one column, and training needs a token and a tag on each line; if this file has no tags, "
            "it can only be used for prediction.",
            file=source,
            line=line,
        )
    if missing or not where.keys() - {GROUP}:
        missing = missing or wanted_roles(roles, required)
        raise DataError(
            f"no column for {', '.join(missing)}; give its position, as in --columns {missing[0]}=1.", file=source
        )
    check_distinct(where, source)
    if GROUP in where and where[GROUP] == where.get("tags") and "tags" not in columns:
        raise DataError(
            f"column {where[GROUP]} is the last, so it would be read as the tags; say which column holds them, "
            "as in --columns tags=1.",
            file=source,
        )
    return where


def _cell(line: _Line, index: int, role: str, source: str) -> str:
    number, cells = line
    if not cells[index]:
        raise DataError(f"column {index} ({role}) is empty here: {quoted(cells)}.", file=source, line=number)
    return cells[index]


def _refuse_counters(rows: list[Row], source: str) -> None:
    """Token numbers (CoNLL-U's first column) would be learnt as if they were words."""
    if max(len(row["tokens"]) for row in rows) < 3:
        return
    for start in (0, 1):
        if all(row["tokens"] == [str(i) for i in range(start, start + len(row["tokens"]))] for row in rows):
            raise DataError(
                "the first column counts the tokens; say which column holds the words, as in --columns tokens=1.",
                file=source,
                line=rows[0].line,
            )

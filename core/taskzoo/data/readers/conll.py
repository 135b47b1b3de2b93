"""CoNLL: one token per line, its tag in another column, sentences separated by empty lines.

* Tabs separate columns when any content line holds a tab, otherwise spaces do; commas where no line has either and
  all end in a comma and a tag (``Oslo,B-LOC``).
* A line of nothing but spaces and tabs ends a sentence; so does ``-DOCSTART-``, which is skipped.
* A comment starts with ``# ``. In a file with tabs it holds no tab; or it starts with ``#name=``, or ``#`` and a tab,
  and has another number of columns than the file. In a file with spaces it holds ``=`` and has another number of
  columns, or a tab. A token ``#`` with its tag is a token.
* A token may be a space, as in Chinese with one character per line. Tags may hold spaces in an export of Label Studio,
  where `` -X- _ `` stands before them.
* Without ``columns``, tokens are the first column and tags the last; of two, the other way round where only the first
  has nothing but tags.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from taskzoo.option_names import option_name
from taskzoo.types import Row

from ..column_names import option, position, quoted
from ..columns import Columns
from ..groups import GROUP
from .base import FileReader
from .files import split_lines, to_text

_NAMES = {"\t": "tabs", " ": "spaces", ",": "commas"}
_COMMAS = re.compile(r'("(?:[^"]|"")+"|\S+),\s?"?(O|[BIELSUM](-\S+)?)"?')
_TAG = re.compile(r"O|[BIELSUM](-\S+)?")
_NUMBER = re.compile(r"\d+-\d+")
_SOURCE = re.compile(r"#\t\S*\t\[\d{4}-\d\d-\d\d\]\s*")
_COMMENT = re.compile(r"#(\t|[\w.-]+ ?=)")
_LABEL_STUDIO = re.compile(r"(\S+) (-X-) (_) (\S.*)")

_Line = tuple[int, list[str]]  # line number and cells


class Conll(FileReader):
    """One row per sentence; every field is a list with one string per token."""

    name = "conll"
    suffixes = (".conll", ".conllu", ".bio", ".iob", ".iob2")

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        sentences = _sentences(to_text(data, columns.source), columns)
        if not sentences:
            return []
        number, cells = sentences[0][0]
        where = _positions(len(cells), columns, number)
        if not columns.mapped and _have_tags_first(sentences):
            where = {role: 1 - at for role, at in where.items()}
        rows = []
        for sentence in sentences:
            with columns.leaving_out():
                fields = {role: [_cell(line, at, role, columns) for line in sentence] for role, at in where.items()}
                rows.append(columns.row(fields, sentence[0][0]))
        if "tokens" in where and "tokens" not in columns.mapped:
            _refuse_numbers(sentences, columns)
        return rows


def _sentences(text: str, columns: Columns) -> list[list[_Line]]:
    """Sentences of equally many cells per line, comments removed; one with a line of another number cannot be used."""
    numbered = [(number, line) for number, line in enumerate(split_lines(text, columns.source), start=1)]
    content = [line for _, line in numbered if line.strip(" \t") and not line.startswith("-DOCSTART-")]
    sure = [line for line in content if not line.startswith("#")] or content
    separator = _separator(sure)
    width = _usual_width(sure, separator)
    sentences: list[list[_Line]] = [[]]
    first = 0
    bad = False  # a line of this sentence cannot be used
    for number, line in numbered:
        if not line.strip(" \t") or line.startswith("-DOCSTART-"):
            bad = False
            if sentences[-1]:
                sentences.append([])
            continue
        cells = _split(line, separator, width)
        if bad or _is_comment(line, cells, separator, width):
            continue
        if len(cells) != width:
            place = f"on line {first}" if first else "on most lines"
            message = f"{len(cells)} column{'s' if len(cells) > 1 else ''} here and {width} {place}"
            how = f"({_NAMES[separator]} separate columns in this file)"
            columns.leave_out(columns.error(f"{message} {how}: {quoted([line], width=60)}.", number))
            bad, sentences[-1] = True, []
            continue
        first = first or number
        sentences[-1].append((number, cells))
    return sentences if sentences[-1] else sentences[:-1]


def _separator(lines: Sequence[str]) -> str:
    """Tabs if there are any, else spaces; commas where no line has either and all end in a comma and a tag."""
    if any("\t" in line for line in lines):
        return "\t"
    return "," if lines and all(_COMMAS.fullmatch(line) for line in lines) else " "


def _usual_width(lines: Sequence[str], separator: str) -> int:
    """How many columns most lines have, the first ones in case of a tie; ``lines``: without comments, if possible."""
    widths = Counter(len(_split(line, separator)) for line in lines)
    return max(widths, key=lambda width: (widths[width], width == len(_split(lines[0], separator))), default=1)


def _split(line: str, separator: str, width: int = 0) -> list[str]:
    """Cells; only spaces and tabs separate, so that odd whitespace such as U+00A0 can be a token.

    A token may be a space: then the line begins with it, or its cell is nothing else.
    """
    if separator == "\t":
        return [cell.strip(" ") or cell[:1] for cell in line.split("\t")] if " " in line else line.split("\t")
    if separator == ",":
        return [_unquoted(cell) for cell in line.rsplit(",", 1)]
    if exported := _LABEL_STUDIO.fullmatch(line.rstrip(" ")):
        return list(exported.groups())
    cells = re.split(r"[ \t]+", line.strip(" \t"))
    return [" ", *cells] if line[0] == " " and len(cells) == width - 1 and "\t" not in line else cells


def _unquoted(cell: str) -> str:
    cell = cell.strip(" ")
    return cell[1:-1].replace('""', '"') if len(cell) > 2 and cell[0] == cell[-1] == '"' else cell


def _is_comment(line: str, cells: list[str], separator: str, width: int) -> bool:
    if separator == "\t":
        head = _SOURCE.fullmatch(line) or (len(cells) != width and _COMMENT.match(line))
        return bool(head) or (line.startswith("# ") and "\t" not in line)
    return line.startswith("# ") and "=" in line and ("\t" in line or len(cells) != width)


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
        raise columns.error(f"no column for {', '.join(missing)}; give its position, as in {option(missing[:1], '1')}.")
    columns.check_distinct(where)
    if GROUP in where and where[GROUP] == where.get("tags") and "tags" not in columns.mapped:
        message = f"column {where[GROUP]} is the last, so it would be read as the tags"
        raise columns.error(f"{message}; say which column holds them, as in {option(['tags'], '1')}.")
    return where


def _have_tags_first(sentences: Sequence[Sequence[_Line]]) -> bool:
    """Whether of two columns the first holds tags and the second does not."""
    table = [cells for sentence in sentences for _, cells in sentence]
    if len(table[0]) != 2 or not any("-" in first for first, _ in table):
        return False
    return all(_TAG.fullmatch(first) for first, _ in table) and not all(_TAG.fullmatch(second) for _, second in table)


def _cell(line: _Line, index: int, role: str, columns: Columns) -> str:
    number, cells = line
    if not cells[index]:
        raise columns.error(f"column {index} ({role}) is empty here: {quoted(cells)}.", number)
    return cells[index]


def _refuse_numbers(sentences: Sequence[Sequence[_Line]], columns: Columns) -> None:
    """Numbers of tokens (CoNLL-U, GermEval) and names of documents (CoNLL-2012) would be learnt as words."""
    first = [[cells[0] for _, cells in sentence] for sentence in sentences]
    if max(map(len, first)) < 3:
        return
    found = [cells for sentence in sentences for _, cells in sentence]
    if any(all(words == [str(i) for i in range(start, start + len(words))] for words in first) for start in (0, 1)):
        what = "counts the tokens"
    elif all(_NUMBER.fullmatch(cells[0]) for cells in found):
        what = "counts sentences and tokens"
    elif all(len(set(words)) == 1 for words in first):
        what = f"is the same for all tokens of a sentence ({first[0][0]!r})"
    else:
        return
    width = len(found[0])
    tags = [i for i in range(2, width) if all(_TAG.fullmatch(cells[i]) for cells in found)]
    example = {"tokens": "1"} | ({"tags": str(tags[0])} if tags and tags[0] != width - 1 else {})
    which = "the words, and which the tags" if "tags" in example else "the words"
    message = f"the first column {what}; say which column holds {which}, as in {option_name('columns', example)}"
    raise columns.error(f"{message}.", sentences[0][0][0])

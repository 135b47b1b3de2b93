"""Plain text, one input per line, for prediction by tasks whose own text files hold words and tags."""

from __future__ import annotations

import re
from collections.abc import Sequence

from taskzoo.types import Row

from ..columns import Columns
from .base import FileReader
from .files import split_lines, to_text

_TAG = re.compile(r"O|[BIELSUM](-\S+)?")
_SENTENCE_END = (".", "!", "?", "。", "！", "？", "…")


def are_plain_lines(lines: Sequence[str]) -> bool:
    """Whether lines are texts, and not tokens with their tags or tokens alone.

    Tokens with tags: the last column of half of the lines or more is a tag, or there are tabs. Tokens alone, and tokens
    with other columns: lines of equally many columns, on average three and more between empty ones, and most that are
    longer than a character do not end a sentence.
    """
    blocks = [block.split("\n") for block in re.split(r"\n\s*\n", "\n".join(lines)) if block.strip()]
    content = [line for block in blocks for line in block if line.strip() and not line.startswith("-DOCSTART-")]
    rows = [line.split("\t") if "\t" in line else line.split() for line in content if not line.startswith("# ")]
    tagged = sum(len(cells) > 1 and _TAG.fullmatch(cells[-1].strip()) is not None for cells in rows)
    if not rows or tagged >= len(rows) / 2 or any("\t" in line for line in content):
        return False
    ends = sum(len(line.strip()) > 1 and line.rstrip().endswith(_SENTENCE_END) for line in content)
    tokens = len({len(cells) for cells in rows}) == 1 and len(blocks) > 1 and len(content) >= 3 * len(blocks)
    return not tokens or ends > len(content) / 2


class Lines(FileReader):
    """One row per line, empty ones included, for files without labels."""

    name = "lines"

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        columns.refuse_options("plain lines have")
        lines = split_lines(to_text(data, columns.source), columns.source)
        if columns.request.labelled:
            raise columns.error("these are lines of text without labels, which can be used for prediction only.")
        role = columns.request.spec.input_role
        return [columns.row({role: line}, number) for number, line in enumerate(lines, start=1)]

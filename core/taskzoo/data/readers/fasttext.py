"""fastText's lines: ``__label__positive Well made``, with one label or several, before or after the text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from taskzoo.errors import DataError
from taskzoo.types import Row

from ..columns import Columns
from .base import FileReader
from .files import split_lines, to_text

PREFIX = "__label__"

_LINE = re.compile(rf"{PREFIX}[^\s,;|]+(?:\s|$)|.*\s{PREFIX}\S+\s*$")
_LABEL = re.compile(rf"(?:^|(?<=\s)){PREFIX}(\S+)")


def is_fasttext(lines: Sequence[str], columns: Columns) -> bool:
    """Whether all these lines have a label as fastText writes it, and no columns were asked for."""
    return not columns.mapped and all(_LINE.match(line) for line in lines if line.strip())


class FastText(FileReader):
    """One row per line that is not empty. Where a line has several labels, the label of every row is a list."""

    name = "fasttext"

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        columns.refuse_options("fastText files have")
        spec = columns.request.spec
        text_role, label_role = spec.input_role, next(role for role, column in spec.columns.items() if column.target)
        lines = enumerate(split_lines(to_text(data, columns.source), columns.source), 1)
        found = [(number, _LABEL.findall(line), _LABEL.sub("", line)) for number, line in lines if line.strip()]
        several = any(len(labels) > 1 for _, labels, _ in found)
        rows = []
        for number, labels, text in found:
            try:
                if not labels and label_role in columns.roles:
                    raise columns.error(f"no {PREFIX}NAME on this line, which other lines have; add it.", number)
                label = labels if several else labels[0] if labels else None
                rows.append(columns.row({text_role: text.strip(), label_role: label}, number))
            except DataError as error:
                columns.leave_out(error)
        return rows

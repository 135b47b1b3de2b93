"""WebAnno TSV 3, the export of WebAnno and INCEpTION: a token per line, annotations in columns that the head names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from taskzoo.data.columns import Columns
from taskzoo.data.readers import FileReader
from taskzoo.data.readers.files import split_lines, to_text
from taskzoo.types import Row

_TOKEN = re.compile(r"\d+-\d+\t\d+-\d+\t")
_PART = re.compile(r"\d+-\d+\.\d+\t")
_VALUE = re.compile(r"(.*?)(?:\[(\d+)\])?", re.DOTALL)


class _Value(NamedTuple):
    label: str
    number: str  # of an annotation that covers several tokens, or ""


class WebAnno(FileReader):
    """One row per sentence. Entities are read from the layer NamedEntity, otherwise from the first layer of spans."""

    name = "webanno"
    roles = ("tokens", "tags")

    def matches(self, head: bytes) -> bool:
        return head.removeprefix(b"\xef\xbb\xbf").startswith(b"#FORMAT=WebAnno TSV")

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        lines = split_lines(to_text(data, columns.source), columns.source)
        column = _column(lines, columns) if columns.request.labelled else -1
        rows: list[Row] = []
        sentence: list[tuple[int, list[str]]] = []  # line number and cells of each token
        for number, line in enumerate([*lines, ""], 1):
            if _TOKEN.match(line):
                sentence.append((number, line.split("\t")))
            elif _PART.match(line):
                columns.request.notes["annotated parts of tokens, left out"] += 1
            elif sentence and not line.startswith("#"):
                with columns.leaving_out():
                    cells = [(at, c[column] if 0 <= column < len(c) else "") for at, c in sentence]
                    tags = _tags([_value(cell, at, columns) for at, cell in cells])
                    rows.append(columns.row({"tokens": [c[2] for _, c in sentence], "tags": tags}, sentence[0][0]))
                sentence = []
        return rows


def _column(lines: Sequence[str], columns: Columns) -> int:
    """Which cell holds the entities' types."""
    found: list[tuple[bool, int]] = []
    position = 3
    for line in lines:
        if line and not line.startswith("#"):
            break
        kind, _, layer = line.partition("=")
        if kind in ("#T_SP", "#T_CH", "#T_RL"):
            name, *features = layer.split("|")
            if kind == "#T_SP" and features:
                at = features.index("value") if "value" in features else 0
                found.append((name.endswith("NamedEntity"), position + at))
            position += len(features) or 1
    if not found:
        raise columns.error("this WebAnno file has no layer of spans (#T_SP=...).", 1)
    return max(found, key=lambda layer: layer[0])[1]


def _value(cell: str, line: int, columns: Columns) -> _Value | None:
    if cell in ("_", "*", ""):
        return None
    parts = re.split(r"(?<!\\)\|", cell)
    if len(parts) > 1:
        raise columns.error(f"two entities cover this token ({cell}); this task finds flat entities only.", line)
    match = _VALUE.fullmatch(cell)
    label, number = (match[1], match[2] or "") if match else (cell, "")
    return _Value(re.sub(r"\\(.)", r"\1", label), number) if label not in ("*", "_") else None


def _tags(values: Sequence[_Value | None]) -> list[str]:
    tags, before = [], None
    for value in values:
        goes_on = value is not None and value.number and value == before
        tags.append("O" if value is None else f"{'I' if goes_on else 'B'}-{value.label}")
        before = value
    return tags

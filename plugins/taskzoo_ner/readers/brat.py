"""brat's standoff format: the text in ``NAME.txt``, its annotations in ``NAME.ann``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from taskzoo.data.columns import Columns
from taskzoo.data.readers import Reader, ReadRequest
from taskzoo.data.readers.files import read_bytes, read_text, split_lines, to_text
from taskzoo.types import Row

_ENTITY = re.compile(r"T\d+\t(\S+) ([\d; ]+)(?:\t(.*))?")


class Brat(Reader):
    """One row per document: for a file the one it belongs to, for a folder all those in it."""

    name = "brat"
    suffixes = (".ann",)
    roles = ("text", "spans")

    def files(self, path: Path) -> list[Path]:
        if path.is_dir():
            found = sorted(p for p in path.glob("*.ann") if not p.name.startswith("."))
        else:
            found = [path.with_suffix(".ann")] if path.suffix in (".ann", ".txt") else []
        return [file for ann in found if ann.is_file() for file in (ann, ann.with_suffix(".txt"))]

    def read(self, path: Path, request: ReadRequest) -> list[Row]:
        files = self.files(path) or [path, path.with_suffix(".txt")]
        rows: list[Row] = []
        for ann, text in zip(files[::2], files[1::2], strict=True):
            columns = Columns(request, str(ann))
            with columns.leaving_out():
                rows += _rows(ann, text, columns)
        return rows


def _rows(ann: Path, text: Path, columns: Columns) -> list[Row]:
    if not text.is_file():
        raise columns.error(f"these are annotations of brat, and the text {text.name} is not next to them.")
    return columns.rows([(0, {"text": read_text(text), "spans": _spans(ann, columns)})])


def _spans(ann: Path, columns: Columns) -> list[dict[str, Any]]:
    data = read_bytes(ann)
    spans = []
    for number, line in enumerate(split_lines(to_text(data, str(ann)), str(ann)) if data.strip() else [], 1):
        if not line.startswith("T"):
            continue  # relations, events, attributes, notes
        match = _ENTITY.fullmatch(line)
        if match is None:
            raise columns.error("a text-bound annotation of brat is 'T1<TAB>TYPE START END<TAB>TEXT'.", number)
        if ";" in match[2]:
            raise columns.error("this entity has several parts; this task finds entities in one piece only.", number)
        start, end = map(int, match[2].split())
        spans.append({"start": start, "end": end, "label": match[1], "text": match[3]})
    return spans

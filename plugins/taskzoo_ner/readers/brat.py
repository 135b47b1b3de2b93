"""brat's standoff format: the text in ``NAME.txt``, its annotations in ``NAME.ann``.

Offsets count characters (code points); a carriage return before a line feed is one of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from taskzoo.data.columns import Columns
from taskzoo.data.readers import Reader, ReadRequest
from taskzoo.data.readers.files import read_bytes, read_text, split_lines, to_text
from taskzoo.data.readers.span_lists import IN_PARTS, count_left_out, flat_spans
from taskzoo.types import Row

_ENTITY = re.compile(r"T\d+\t(\S+) ([\d; ]+)(?:\t(.*))?")

_OTHERS = {
    "R": "relations",
    "*": "relations",
    "E": "events",
    "A": "attributes",
    "M": "attributes",
    "N": "normalizations",
    "#": "notes of annotators",
}


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
    document = read_text(text)
    spans = _spans(ann, document, columns)
    kept = flat_spans(spans, columns) if columns.request.labelled else spans
    return columns.rows([(0, {"text": document, "spans": kept})])


def _spans(ann: Path, document: str, columns: Columns) -> list[dict[str, Any]]:
    data = read_bytes(ann)
    spans = []
    for number, line in enumerate(split_lines(to_text(data, str(ann)), str(ann)) if data.strip() else [], 1):
        if not line.startswith("T"):
            if columns.request.labelled and (kind := _OTHERS.get(line[:1])):
                count_left_out({kind: 1}, columns)
            continue
        match = _ENTITY.fullmatch(line)
        if match is None or any(len(part.split()) != 2 for part in match[2].split(";")):
            raise columns.error("a text-bound annotation of brat is 'T1<TAB>TYPE START END<TAB>TEXT'.", number)
        parts = [(int(part.split()[0]), int(part.split()[1])) for part in match[2].split(";")]
        if _are_one(parts, document):
            spans.append({"start": parts[0][0], "end": parts[-1][1], "label": match[1], "text": match[3]})
        elif columns.request.labelled:
            columns.request.notes[IN_PARTS] += 1
    return spans


def _are_one(parts: Sequence[tuple[int, int]], document: str) -> bool:
    """Whether nothing but whitespace stands between the parts: brat divides an annotation at line breaks."""
    return all(end <= start and not document[end:start].strip() for (_, end), (start, _) in pairwise(parts))

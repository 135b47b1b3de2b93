"""A model that needs no weights, and short ways to files."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from taskzoo import registry
from taskzoo.data.readers import ReadRequest
from taskzoo.data.streams.open_source import open_source
from taskzoo.data.streams.records import Item
from taskzoo.errors import DataError
from taskzoo.runs.inputs import is_blank
from taskzoo.types import Prediction, Row

CLASSIFICATION = registry.task("classification")


class Lengths:
    """Says ``long`` or ``short`` of a text; refuses one that holds ``refuse``."""

    def __init__(self, path: Path) -> None:
        entry = registry.task_entry("classification")
        self.path, self.spec, self.task = path, entry.spec, entry.load()(entry.spec.resolve_options({}))
        self.say: Callable[[str], object] = print
        self.chunks: list[int] = []

    def predict_rows(
        self, rows: Sequence[Row], *, min_confidence: float | None = None, coverage: float | None = None
    ) -> list[Prediction]:
        for row in rows:
            if "refuse" in row.get("text", ""):
                raise DataError("this text is refused.", file=row.source, line=row.line)
        self.chunks.append(len(rows))
        return [self._prediction(row) for row in rows]

    def _prediction(self, row: Row) -> Prediction:
        if is_blank(self.spec, row):
            return {"text": row.get("text", ""), "label": None}
        share = round(min(1.0, len(row["text"]) / 20), 4)
        label = "long" if share > 0.5 else "short"
        return {"text": row["text"], "label": label, "score": share, "scores": {"long": share, "short": 1 - share}}


def request(**wanted: Any) -> ReadRequest:
    return ReadRequest(CLASSIFICATION, labelled=False, incomplete=True, **wanted)


def items(path: Path, *, tolerant: bool = False, **wanted: Any) -> list[Item]:
    """All rows of a file, a few at a time."""
    source, found = open_source(path, request(**wanted), tolerant=tolerant), []
    while part := source.take(3):
        found += part
    source.close()
    return found


def write(path: Path, content: str | bytes) -> Path:
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def digests(folder: Path) -> dict[str, str]:
    """Of the shards and the bad rows in a folder."""
    files = [file for file in folder.iterdir() if not file.name.startswith("manifest")]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(files)}

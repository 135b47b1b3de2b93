"""Label Studio's JSON export: tasks with annotations. Its JSON-MIN and CoNLL exports are read as JSON and CoNLL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from taskzoo.data.columns import Columns
from taskzoo.data.readers import FileReader
from taskzoo.data.readers.files import to_text
from taskzoo.types import Row

from .json_values import json_values

_ANNOTATIONS = re.compile(rb'"(annotations|completions)"\s*:\s*\[')


class LabelStudio(FileReader):
    """One row per task: its first annotation that was not cancelled, or the one marked as ground truth."""

    name = "label-studio"
    roles = ("text", "spans")

    def matches(self, head: bytes) -> bool:
        start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        return start in (b"[", b"{") and b'"result"' in head and _ANNOTATIONS.search(head) is not None

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        tasks = json_values(to_text(data, columns.source), columns)
        return columns.rows([row for line, task in tasks for row in _rows(line, task, columns)])


def _rows(line: int, task: Any, columns: Columns) -> Iterator[tuple[int, dict[str, Any]]]:
    data = task.get("data") if isinstance(task, Mapping) else None
    if not isinstance(data, Mapping):
        raise columns.error("a task of a Label Studio export has its text under 'data', and this one has not.", line)
    row, notes = dict(data), columns.request.notes
    texts = [name for name, value in data.items() if isinstance(value, str)]
    if len(texts) == 1 and "text" not in columns.mapped:
        row = {"text": row.pop(texts[0]), **row}
    if columns.request.labelled:
        every = task.get("annotations") or task.get("completions") or []
        done = [one for one in every if not (one.get("was_cancelled") or one.get("skipped"))]
        if not done:
            notes["tasks without an annotation, left out"] += 1
            return
        notes["further annotations of the same task, left out"] += len(done) - 1
        row["spans"] = list(_spans(max(done, key=lambda one: bool(one.get("ground_truth"))), line, columns))
    yield line, row


def _spans(annotation: Mapping[str, Any], line: int, columns: Columns) -> Iterator[dict[str, Any]]:
    for region in annotation.get("result") or []:
        value, kind = region.get("value") or {}, region.get("type")
        labels = value.get(kind, value.get("labels"))
        if "start" not in value or "end" not in value or not labels:
            continue  # relations, classes of the whole text, ...
        if len(labels) > 1:
            message = (
                f"a region has the labels {', '.join(map(repr, labels))}; this task finds one type for each entity."
            )
            raise columns.error(message, line)
        place = value.get("globalOffsets") or value
        yield {"start": place["start"], "end": place["end"], "label": labels[0], "text": value.get("text")}

"""Label Studio's JSON export: tasks with annotations. Its JSON-MIN and CoNLL exports are read as JSON and CoNLL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from taskzoo.data.columns import Columns
from taskzoo.data.readers import FileReader
from taskzoo.data.readers.files import to_text
from taskzoo.data.readers.json_values import json_values
from taskzoo.data.readers.labelling_tools import annotated_task, count_results, is_label_studio
from taskzoo.data.readers.span_lists import flat_spans
from taskzoo.types import Row


class LabelStudio(FileReader):
    """One row per task: its first annotation that was not cancelled, or the one marked as ground truth."""

    name = "label-studio"
    roles = ("text", "spans")

    def matches(self, head: bytes) -> bool:
        return is_label_studio(head)

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        rows: list[tuple[int, dict[str, Any]]] = []
        for line, task in json_values(to_text(data, columns.source), columns):
            with columns.leaving_out():
                row, annotation = annotated_task(line, task, columns)
                if annotation is not None:
                    row["spans"] = flat_spans(list(_spans(annotation, line, columns)), columns)
                if annotation is not None or not columns.request.labelled:
                    rows.append((line, row))
        return columns.rows(rows)


def _spans(annotation: Mapping[str, Any], line: int, columns: Columns) -> Iterator[dict[str, Any]]:
    for region in annotation.get("result") or []:
        value, kind = region.get("value") or {}, region.get("type")
        labels = value.get(kind, value.get("labels"))
        if "start" not in value or "end" not in value or not labels:
            count_results([region], columns)  # relations, classes of the whole text, ...
            continue
        if len(labels) > 1:
            message = (
                f"a region has the labels {', '.join(map(repr, labels))}; this task finds one type for each entity."
            )
            raise columns.error(message, line)
        place = value.get("globalOffsets") or value
        yield {"start": place["start"], "end": place["end"], "label": labels[0], "text": value.get("text")}

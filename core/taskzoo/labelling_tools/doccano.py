"""doccano: JSON lines with ``label``; everything else becomes metadata of the example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from taskzoo.data.readers.doccano import utf16_offsets

from .kinds import json_lines, kind_of, own_columns, refuse
from .task_form import TaskForm

_TAKEN = ("id", "text", "label", "labels", "entities", "spans", "tags", "tokens", "Comments", "model_score")
"""Names that are written here or by doccano when it exports, and those that labels are read by."""


def files(tasks: Sequence[TaskForm], labels: Sequence[str] = ()) -> Mapping[str, str]:
    """One file, which has no place for ``labels``. Offsets count UTF-16 units, as doccano does in a browser."""
    refuse("doccano", kind_of(tasks), "number")
    return {"": json_lines([_example(task) for task in tasks])}


def _example(task: TaskForm) -> dict[str, Any]:
    label = task.label
    if task.kind == "spans":
        at = utf16_offsets(task.text)
        label = [[at[span.start], at[span.end], span.label] for span in label]
    elif task.kind == "text":
        label = [label]
    score = {} if task.score is None else {"model_score": task.score}
    more = {**task.others, **own_columns(task, *_TAKEN), **score, **task.meta}
    return {"text": task.text, "label": label or [], **more}

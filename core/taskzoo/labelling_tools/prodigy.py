"""Prodigy: JSON lines with ``spans``, ``label`` or ``accept``; what a text box is filled with stands under a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .kinds import json_lines, kind_of, label_names, own_columns
from .task_form import Kind, TaskForm


def files(tasks: Sequence[TaskForm], labels: Sequence[str] = ()) -> Mapping[str, str]:
    """One file. Offsets count code points."""
    kind, names = kind_of(tasks), label_names(tasks, labels)
    return {"": json_lines([_example(task, kind, names) for task in tasks])}


def _example(task: TaskForm, kind: Kind | None, names: Sequence[str]) -> dict[str, Any]:
    example: dict[str, Any] = {"text": task.text, **task.others}
    if kind == "spans":
        spans = task.label or []
        example["spans"] = [{"start": span.start, "end": span.end, "label": span.label} for span in spans]
    elif kind in ("label", "labels"):
        example["options"] = [{"id": name, "text": name} for name in names]
        example["accept"] = list(task.label or [])
    elif task.kind == "number":
        example["value"] = str(task.label)
    elif task.kind == "text":
        example["target"] = task.label
    score = {} if task.score is None else {"score": task.score}
    return {**example, "meta": {**score, **task.others, **own_columns(task, "score"), **task.meta}}

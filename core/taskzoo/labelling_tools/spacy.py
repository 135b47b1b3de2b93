"""spaCy: texts with ``entities`` or ``cats``, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .kinds import kind_of, label_names, refuse
from .task_form import TaskForm


def files(tasks: Sequence[TaskForm], labels: Sequence[str] = ()) -> Mapping[str, str]:
    """One file with an array of ``[text, annotation]``. Offsets count code points."""
    kind, names = kind_of(tasks), label_names(tasks, labels)
    refuse("spaCy", kind, "number", "text")
    pairs = [[task.text, _annotation(task, names)] for task in tasks]
    return {"": "[\n" + ",\n".join(json.dumps(pair, ensure_ascii=False) for pair in pairs) + "\n]\n"}


def _annotation(task: TaskForm, names: Sequence[str]) -> dict[str, Any]:
    if task.kind in ("label", "labels"):
        return {"cats": {name: float(name in task.label) for name in names}}
    return {"entities": [[span.start, span.end, span.label] for span in task.label or []]}

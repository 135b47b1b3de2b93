"""Label Studio: tasks with predictions, and the labelling configuration that they need."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from .kinds import kind_of, label_names, own_columns
from .task_form import Kind, TaskForm

_CONTROL = "label"
_TAGS: Mapping[Kind, str] = {
    "label": "Choices",
    "labels": "Choices",
    "spans": "Labels",
    "number": "Number",
    "text": "TextArea",
}
_ITEMS = {"Choices": "Choice", "Labels": "Label"}
OURS = "<!-- written by taskzoo -->"
"""The last line of a configuration, by which it is known that it may be written anew."""


def files(tasks: Sequence[TaskForm], labels: Sequence[str] = ()) -> Mapping[str, str]:
    """The tasks and their configuration. Offsets count code points, as Label Studio does since 1.4."""
    kind = kind_of(tasks)
    values = [_task(task, kind) for task in tasks]
    return {"": json.dumps(values, ensure_ascii=False, indent=1) + "\n", ".xml": _configuration(tasks, kind, labels)}


def _task(task: TaskForm, kind: Kind | None) -> dict[str, Any]:
    data = {task.role: task.text, **task.others, **own_columns(task), **task.meta}
    if kind is None or task.kind is None:
        return {"data": data}
    score = {} if task.score is None else {"score": task.score}
    return {"data": data, "predictions": [{"model_version": "taskzoo", **score, "result": _results(task, kind)}]}


def _results(task: TaskForm, kind: Kind) -> list[dict[str, Any]]:
    """What was predicted, one entry per region."""
    name = _TAGS[kind].lower()
    values: list[dict[str, Any]]
    if kind == "spans":
        values = [
            {"start": s.start, "end": s.end, "text": task.text[s.start : s.end], name: [s.label]} for s in task.label
        ]
    elif kind == "text":
        values = [{"text": [task.label]}]
    else:
        values = [{name: task.label}]
    place = {"from_name": _CONTROL, "to_name": task.role, "type": name}
    return [{"id": f"z{number}", **place, "value": value} for number, value in enumerate(values, 1)]


def _configuration(tasks: Sequence[TaskForm], kind: Kind | None, labels: Sequence[str]) -> str:
    """The labelling configuration: a text for each input and one control."""
    view = ElementTree.Element("View")
    role = tasks[0].role
    if any("note" in task.meta for task in tasks):
        ElementTree.SubElement(view, "Header", value="$note")
    if kind is not None:
        control = ElementTree.SubElement(view, _TAGS[kind], name=_CONTROL, toName=role)
        if _TAGS[kind] == "Choices":
            control.set("choice", "single" if kind == "label" else "multiple")
        for name in label_names(tasks, labels) if _TAGS[kind] in _ITEMS else ():
            ElementTree.SubElement(control, _ITEMS[_TAGS[kind]], value=name)
    for name in dict.fromkeys([role, *(name for task in tasks for name in task.others)]):
        ElementTree.SubElement(view, "Text", name=name, value=f"${name}")
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + f"\n{OURS}\n"

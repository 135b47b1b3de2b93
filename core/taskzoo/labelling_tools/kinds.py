"""Which labels the tasks of one file have."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from taskzoo.errors import RequestError

from .task_form import Kind, TaskForm

_NAMES = {"label": "labels of texts", "labels": "labels of texts", "number": "numbers", "text": "texts to generate"}


def kind_of(tasks: Sequence[TaskForm]) -> Kind | None:
    """The kind that all tasks have which have any; ``labels`` where some have one label and others several.

    Raises:
        RequestError: they have several kinds.
    """
    kinds = {task.kind for task in tasks if task.kind is not None}
    if kinds == {"label", "labels"}:
        return "labels"
    if len(kinds) > 1:
        raise RequestError(f"These rows have labels of several kinds ({', '.join(sorted(kinds))}); write one kind.")
    return next(iter(kinds), None)


def refuse(tool: str, kind: Kind | None, *unknown: Kind) -> None:
    """Raise RequestError where a tool has nothing for a kind of label."""
    if kind in unknown:
        raise RequestError(f"{tool} has nothing for {_NAMES[kind]}; write these rows for another tool.")


def label_names(tasks: Sequence[TaskForm], known: Iterable[str] = ()) -> list[str]:
    """The names that people choose from, sorted: those that are ``known``, and those that labels or spans have."""
    labels = [label for task in tasks if isinstance(task.label, list) for label in task.label]
    return sorted({*known, *(label if isinstance(label, str) else label.label for label in labels)})


def own_columns(task: TaskForm, *taken: str) -> dict[str, Any]:
    """The further columns of a row; ``column_`` stands before the names of inputs, notes and what else is ``taken``."""
    names = {task.role, *task.others, "note", "rank", *taken}
    return {f"column_{name}" if name in names else name: value for name, value in task.columns.items()}


def json_lines(values: Sequence[Any]) -> str:
    """A line of JSON for each value."""
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)

"""What a labelling tool is given of a row: its text, and labels to start from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from taskzoo.data.language_columns import LANGUAGES
from taskzoo.errors import DataError, shown
from taskzoo.types import Row

Kind = Literal["label", "labels", "spans", "number", "text"]
"""What a label is: one name, several, spans of characters, a number, or a text."""

INPUTS = ("text", "source")
"""Roles whose value is what people read, the first that a row has; else the words of ``tokens``, else any text."""


@dataclass(frozen=True, slots=True)
class PreAnnotated:
    """A row for a labelling tool.

    Args:
        row: as a reader made it.
        prediction: its public prediction, which people start from; ``None``: they start from the row's own labels.
        note: why the row is shown, for people.
        rank: its place in the order of work, from 1; 0: there is none.
        columns: what else its file has of it, by which an export is joined with that file again.
    """

    row: Row
    prediction: Mapping[str, Any] | None = None
    note: str = ""
    rank: int = 0
    columns: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, order=True)
class MarkedSpan:
    """Characters (code points) ``start`` to ``end``, exclusive, of a text."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class TaskForm:
    """The same for every tool.

    Args:
        role: of the input.
        text: the input.
        others: further inputs by their roles.
        kind: of the label; ``None``: there is no label to start from.
        label: a list of names (one, for the kind ``label``), spans, a number or a text.
        score: how sure the model is, from 0 to 1; ``None``: not known.
        meta: ``note`` and ``rank``, where there are any.
        columns: further columns of its file.
    """

    role: str
    text: str
    others: Mapping[str, str]
    kind: Kind | None
    label: Any = None
    score: float | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, Any] = field(default_factory=dict)


def task_form(task: PreAnnotated) -> TaskForm:
    """What a tool is given.

    Raises:
        DataError: the row has no text, or a span lies outside of it or contradicts its own text.
    """
    row, fields = task.row, task.row.fields
    role = next((name for name in INPUTS if isinstance(fields.get(name), str)), "")
    text = fields.get(role)
    if not role and isinstance(words := fields.get("tokens"), Sequence):
        role, text = "text", words if isinstance(words, str) else " ".join(map(str, words))
    if not role:
        role = next((name for name, value in fields.items() if isinstance(value, str)), "")
        text = fields.get(role)
    given = task.prediction if task.prediction is not None else _own_label(row)
    if "entities" in given and isinstance(given.get("text"), str):
        role, text = role or "text", given["text"]
    if not isinstance(text, str) or not text.strip():
        raise DataError("this row has no text for a labelling tool.", file=row.source, line=row.line)
    kind, label, score = _labels(given, text, row)
    meta = {name: value for name, value in (("note", task.note), ("rank", task.rank)) if value}
    return TaskForm(role, text, _others(fields, role), kind, label, score, meta, task.columns)


def _others(fields: Mapping[str, Any], role: str) -> dict[str, str]:
    """Further texts of a row, without its labels."""
    left_out = {role, "label", "tags", "spans", "tokens", "target", LANGUAGES}
    return {name: value for name, value in fields.items() if name not in left_out and isinstance(value, str)}


def _own_label(row: Row) -> dict[str, Any]:
    """The labels of a row in the form of predictions; those that stand as tags are not read."""
    label, spans, target = row.get("label"), row.get("spans"), row.get("target")
    if isinstance(spans, Sequence) and not isinstance(spans, str):
        return {"entities": spans}
    if isinstance(target, str) or (isinstance(target, Sequence) and target):
        return {"text": target if isinstance(target, str) else str(target[0])}
    if isinstance(label, (list, tuple)):
        return {"labels": [str(name) for name in label]}
    if isinstance(label, float):
        return {"value": label}
    return {} if label is None else {"label": str(label)}


def _labels(given: Mapping[str, Any], text: str, row: Row) -> tuple[Kind | None, Any, float | None]:
    """Kind, label and score of a public prediction."""
    score = _fraction(given.get("score"))
    if isinstance(entities := given.get("entities"), Sequence):
        scores = [one["score"] for one in entities if isinstance(one, Mapping) and _fraction(one.get("score"))]
        least = min(scores, default=None) if len(scores) == len(entities) else None
        return "spans", sorted(_span(entity, text, row) for entity in entities), least
    if isinstance(names := given.get("labels"), Sequence):
        return "labels", [str(name) for name in names], score
    if given.get("label") is not None:
        return "label", [str(given["label"])], score
    if isinstance(number := given.get("value"), (int, float)):
        return "number", number, None
    if isinstance(written := given.get("text"), str):
        return "text", written, None  # the score of a generated text is not a probability
    return None, None, None


def _fraction(score: Any) -> float | None:
    return float(score) if isinstance(score, (int, float)) and 0 <= score <= 1 else None


def _span(entity: Any, text: str, row: Row) -> MarkedSpan:
    """An entity as a span that lies in the text."""
    names = ("start", "end", "label")
    parts = [entity.get(name) for name in names] if isinstance(entity, Mapping) else list(entity)[:3]
    start, end, label = parts if len(parts) == 3 else (None, None, None)
    if type(start) is not int or type(end) is not int or not isinstance(label, str):
        raise DataError(f"the span {shown(entity)} is not start, end and label.", file=row.source, line=row.line)
    if not 0 <= start < end <= len(text):
        what = f"the span {start}-{end} ({label}) lies outside the text, which has {len(text)} characters"
        raise DataError(f"{what} (start counts from 0, end is exclusive).", file=row.source, line=row.line)
    said = entity.get("text") if isinstance(entity, Mapping) else None
    if isinstance(said, str) and said != text[start:end]:
        what = f"the span {start}-{end} ({label}) says {shown(said)} and the text has {shown(text[start:end])} there"
        raise DataError(f"{what}.", file=row.source, line=row.line)
    return MarkedSpan(start, end, label)

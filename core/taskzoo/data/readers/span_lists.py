"""Spans of labelling tools as a task takes them, flat unless it says otherwise; what it cannot take is counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..columns import Columns

OVERLAPPING = "spans that overlap a longer one, left out"
IN_PARTS = "spans of several parts, left out"


def flat_spans(spans: Any, columns: Columns) -> Any:
    """The spans without those that overlap another: the longest is kept, of equally long ones the first.

    A task whose spans may overlap (:attr:`taskzoo.spec.Column.overlapping`) gets them all.
    The same span with the same label twice overlaps nothing. Spans of another form stay, and so does what is no list
    of them: the task refuses them.

    Args:
        spans: ``{"start", "end", "label"}``, in one unit.
        columns: of the file.
    """
    if not isinstance(spans, list) or any(column.overlapping for column in columns.request.spec.columns.values()):
        return spans
    known = {number: place for number, span in enumerate(spans) if (place := _place(span)) is not None}
    kept: list[tuple[int, int, Any]] = []
    left_out: set[int] = set()
    for number, (start, end, label) in sorted(known.items(), key=lambda one: (one[1][0] - one[1][1], one[1][0])):
        if any(start < e and s < end and (s, e, other) != (start, end, label) for s, e, other in kept):
            left_out.add(number)
        else:
            kept.append((start, end, label))
    if left_out:
        columns.request.notes[OVERLAPPING] += len(left_out)
    return [span for number, span in enumerate(spans) if number not in left_out]


def count_left_out(found: Mapping[str, Any], columns: Columns) -> None:
    """Note what a row has of each kind (a list, or how many) and the task does not read."""
    for kind, values in found.items():
        several = len(values) if isinstance(values, list | Mapping) else values is not None
        if number := values if isinstance(values, int) else several:
            columns.request.notes[f"{kind}, left out"] += number


def _place(span: Any) -> tuple[int, int, Any] | None:
    """Start, end and label of a span, if it has them."""
    if not isinstance(span, Mapping) or type(span.get("start")) is not int or type(span.get("end")) is not int:
        return None
    return span["start"], span["end"], str(span.get("label"))

"""Changes to a text as replaced spans, so that places in the old text have their places in the new one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class Edit(NamedTuple):
    """The characters from ``start`` to ``end`` become ``new``."""

    start: int
    end: int
    new: str


def apply(text: str, edits: Sequence[Edit]) -> str:
    """The changed text; edits are in order and do not overlap."""
    parts, done = [], 0
    for edit in edits:
        parts += [text[done : edit.start], edit.new]
        done = edit.end
    return "".join([*parts, text[done:]])


def moved(start: int, end: int, edits: Sequence[Edit]) -> tuple[int, int]:
    """Where a span is after the edits; one that an edit cuts takes in all of the new characters."""
    before = sum(len(e.new) - (e.end - e.start) for e in edits if e.end <= start)
    touched = [e for e in edits if e.start < end and e.end > start]
    first, last = min([start, *(e.start for e in touched)]), max([end, *(e.end for e in touched)])
    return first + before, last + before + sum(len(e.new) - (e.end - e.start) for e in touched)


def moved_entities(prediction: dict[str, Any], edits: Sequence[Edit]) -> frozenset[tuple[int, int, str]]:
    """The entities of a prediction for the old text, at their places in the new one."""
    return frozenset((*moved(e["start"], e["end"], edits), e["label"]) for e in prediction["entities"] or ())

"""Rows to checked pairs of texts, with negatives or a score."""

from __future__ import annotations

import math
from typing import Any

from taskzoo import DataError, Example, Row

PAIRS, SCORED = "pairs", "scored"
"""The two forms of data: texts to be found for texts, and how similar two texts are."""


def checked_pair(row: Row, *, labelled: bool) -> Example:
    """Fields: ``text``, ``other``, ``negatives``, ``score`` and ``topic`` (``None`` without), ``labelled``."""
    text, other = (_text(row, role, row.get(role)) for role in ("text", "other"))
    negatives, score, topic = [], None, None
    if labelled:
        negatives, score, topic = _negatives(row), _score(row), row.get("topic")
    if score is not None and negatives:
        raise DataError("a row with a score has a negative, too; it takes one of them.", file=row.source, line=row.line)
    topic = None if topic is None else str(topic)
    return row.example(text=text, other=other, negatives=negatives, score=score, topic=topic, labelled=labelled)


def form_of(example: Example) -> str:
    """:data:`PAIRS` or :data:`SCORED`."""
    return PAIRS if example["score"] is None else SCORED


def _text(row: Row, role: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"the {role} is missing or not text.", file=row.source, line=row.line)
    return value


def _negatives(row: Row) -> list[str]:
    given = row.get("negative")
    several = given if isinstance(given, list | tuple) else [given]
    return [_text(row, "negative", value) for value in several if value is not None and value != ""]


def _score(row: Row) -> float | None:
    given = row.get("score")
    if given is None or given == "":
        return None
    try:
        score = float(given)  # a table has text
    except (TypeError, ValueError):
        score = math.nan
    if isinstance(given, bool) or not math.isfinite(score):
        raise DataError(f"the score {given!r} is not a number.", file=row.source, line=row.line)
    return score

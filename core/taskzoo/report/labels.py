"""Scores of each label or type, as they are in ``metrics.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .finished import Finished
from .section import Section

MOST = 40
"""More labels are not all listed."""


@dataclass(frozen=True, slots=True)
class LabelTable:
    """A line for each label.

    Args:
        columns: names of the scores beside F1 and support.
        rows: label -> its scores.
        total: how many labels there are.
    """

    columns: list[str]
    rows: Mapping[str, Mapping[str, Any]]
    total: int


def label_scores(run: Finished) -> Section | None:
    """All labels in their own order or, of many, those with the lowest F1; ``None`` without scores of labels."""
    found = run.scores.get("per_type") or run.scores.get("per_label") or {}
    known = {name: row for name, row in found.items() if isinstance(row, dict) and _number(row.get("f1")) is not None}
    if not known:
        return None
    shown = known
    if len(known) > MOST:
        present = {name: row for name, row in known.items() if row.get("support")} or known
        worst = sorted(present, key=lambda name: (known[name]["f1"], -known[name].get("support", 0)))[:MOST]
        shown = {name: known[name] for name in worst}
    columns = [name for name in next(iter(known.values())) if name not in ("f1", "support")]
    what = "types" if run.scores.get("per_type") else "labels"
    content = {"table": LabelTable(columns, shown, len(known)), "what": what}
    return Section("labels", f"Scores by {what[:-1]}", "labels.html", content)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None

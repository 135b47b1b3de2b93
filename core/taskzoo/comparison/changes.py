"""Rows on which two runs differ: which has them right, or whose output scores higher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from taskzoo.metrics.significance import mcnemar
from taskzoo.runs.scored_rows import ScoredRows, inputs
from taskzoo.types import Metric, Score

from .result import FIRST, SECOND, ChangedRow, Sides

_ANSWERS = ("label", "labels", "tags")
"""Keys of references that say all of a right answer, so that a row is right or wrong."""


def right_rows(rows: ScoredRows) -> np.ndarray | None:
    """1 for each row that is right as a whole, else 0; ``None`` where rows are neither, as texts and numbers."""
    name = next((name for name in _ANSWERS if all(name in row["reference"] for row in rows.rows)), None)
    if name is None or any("value" in row["reference"] for row in rows.rows):
        return None
    right = [_plain(name, row.get(name)) == _plain(name, row["reference"][name]) for row in rows.rows]
    return np.array(right, dtype=np.float64)


def row_scores(metric: Metric, statistics: Any, score: Score, rows: int) -> np.ndarray | None:
    """The score of each of so many ``rows`` alone, higher is better; ``None`` where units are not rows."""
    if not isinstance(statistics, np.ndarray) or len(statistics) != rows:
        return None
    values = [metric.of_all(statistics[i : i + 1]).get(score.name, float("nan")) for i in range(len(statistics))]
    return np.array(values) if score.higher_is_better else -np.array(values)


def count_sides(first: np.ndarray, second: np.ndarray) -> Sides:
    """Of rows that are right (1) or wrong (0)."""
    only_first, only_second = int((first > second).sum()), int((second > first).sum())
    both = int((first * second).sum())
    neither = len(first) - both - only_first - only_second
    return Sides(both, only_first, only_second, neither, mcnemar(only_first, only_second))


def changed_rows(
    first: Sequence[ScoredRows], second: Sequence[ScoredRows], scores: tuple[np.ndarray, np.ndarray] | None
) -> tuple[ChangedRow, ...]:
    """The rows with other outputs, the largest changes first; of several seeds the outputs of the first are given.

    Without ``scores`` of single rows none is better: all of these are 0.
    """
    spec, found = first[0].spec, []
    scores = scores or (np.zeros(len(first[0].rows)), np.zeros(len(first[0].rows)))
    for i, (one, two) in enumerate(zip(first[0].rows, second[0].rows, strict=True)):
        outputs = _output(one, first[0]), _output(two, second[0])
        ours, theirs = (float(np.nan_to_num(side[i])) for side in scores)
        if ours == theirs and _answer(outputs[0], one) == _answer(outputs[1], two):
            continue
        change = FIRST if ours > theirs else SECOND if theirs > ours else "neither"
        found.append(ChangedRow(change, ours, theirs, inputs(spec, one), dict(one["reference"]), outputs))
    return tuple(sorted(found, key=lambda row: -abs(row.first - row.second)))


def _output(row: Mapping[str, Any], rows: ScoredRows) -> dict[str, Any]:
    """What was predicted, without what is repeated of the input."""
    given = {**inputs(rows.spec, row), "reference": None}
    return {name: value for name, value in row.items() if name not in given}


def _answer(output: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """The part of an output that is an answer, not how sure it is."""
    names = [name for name in (*_ANSWERS, "value", "text") if name in output][:1]
    return {name: _plain(name, output[name]) for name in names or row["reference"] if name in output}


def _plain(name: str, value: Any) -> Any:
    """The order of several labels says nothing."""
    return sorted(map(str, value)) if name == "labels" and isinstance(value, list) else value

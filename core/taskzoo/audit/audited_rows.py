"""The test rows of a run, each with one number that says how well it was answered."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from taskzoo.errors import RequestError, TaskZooError
from taskzoo.runs.scored_rows import ScoredRows, inputs
from taskzoo.runs.verdict import judging_score
from taskzoo.task import Task
from taskzoo.types import Prediction

from .answers import LABELS, form_of, is_nothing, labels_of

MOST_UNDEFINED = 0.5
"""Share of the rows that a score may be undefined for."""
RIGHT = "share of right answers"


@dataclass(frozen=True, slots=True)
class AuditedRows:
    """Rows with their answers.

    Args:
        texts: what the model read, role -> text.
        scores: of each row alone, higher is better; NaN for a row that it is not defined for.
        score: what it is.
        scale: its range; 0 where it has no limits.
        gold: the labels of each row.
        predicted: those that were predicted.
    """

    texts: Sequence[Mapping[str, str]]
    scores: np.ndarray
    score: str
    scale: float
    gold: Sequence[frozenset[str]]
    predicted: Sequence[frozenset[str]]

    @property
    def joined(self) -> list[str]:
        """The texts of each row as one."""
        return [" ".join(texts.values()) for texts in self.texts]


@dataclass(frozen=True, slots=True)
class RowScore:
    """One score, of each row alone."""

    task: Task
    name: str
    shown: str
    scale: float

    def of(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> np.ndarray:
        """Shape ``[rows]``; higher is better."""
        if self.name == RIGHT:
            pairs = zip(predictions, references, strict=True)
            return np.array([float(labels_of(p) == labels_of(r)) for p, r in pairs])
        return _row_scores(self.task, self.name, predictions, references)


def audited_rows(rows: ScoredRows) -> tuple[AuditedRows, RowScore]:
    """The rows of a run as an audit needs them.

    Raises:
        RequestError: no score can be computed for single rows.
    """
    predictions, references = rows.sides(rows.task)
    chosen = _row_score(rows, predictions, references)
    texts = [
        {role: value for role, value in inputs(rows.spec, row).items() if isinstance(value, str)} for row in rows.rows
    ]
    gold, predicted = ([labels_of(one) for one in side] for side in (references, predictions))
    return AuditedRows(texts, chosen.of(predictions, references), chosen.shown, chosen.scale, gold, predicted), chosen


def _row_score(rows: ScoredRows, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> RowScore:
    """Right or wrong for one label; else the judging score of each row, or the first that rows have."""
    given = inputs(rows.spec, rows.rows[0])
    if form_of(predictions[0], given) == LABELS and all("label" in reference for reference in references):
        return RowScore(rows.task, RIGHT, RIGHT, 1.0)
    judge = judging_score(rows.task)
    every = [score for metric in rows.task.metrics() for score in metric.scores]
    for score in dict.fromkeys([*([judge] if judge else []), *every]):
        try:
            found = _row_scores(rows.task, score.name, predictions, references)
        except (TaskZooError, KeyError, TypeError, ValueError, AttributeError):
            continue  # it needs what predictions.jsonl does not have
        if len(found) == len(predictions) and np.isnan(found).mean() <= MOST_UNDEFINED:
            width = score.range[1] - score.range[0]
            shown = f"mean {score.name} of single rows" + ("" if score.higher_is_better else ", negated")
            return RowScore(rows.task, score.name, shown, width if math.isfinite(width) else 0.0)
    raise RequestError(
        f"The rows of the run {str(rows.path)!r} cannot be compared: no score of {rows.name} is defined for a single "
        "row."
    )


def _row_scores(
    task: Task, name: str, predictions: Sequence[Prediction], references: Sequence[Prediction]
) -> np.ndarray:
    """The score of each row.

    Where there is nothing to find and nothing was found, metrics say that it is undefined, or by convention the worst;
    such a row is right.
    """
    score = task.score_of(name)
    metric = next(one for one in task.metrics() if any(known.describes(name) for known in one.scores))
    statistics = metric.statistics(predictions, references)
    if not isinstance(statistics, np.ndarray) or len(statistics) != len(predictions):
        return np.array([])
    worst, best = score.range if score.higher_is_better else score.range[::-1]
    values = []
    for i, sides in enumerate(zip(predictions, references, strict=True)):
        row = statistics[i : i + 1]
        if all(map(is_nothing, sides)) and math.isfinite(best):
            found = metric.scorer(row)(np.ones(1)).get(name, math.nan)
            values.append(best if math.isnan(found) or found == worst else found)
        else:
            values.append(metric.of_all(row).get(name, math.nan))
    return np.array(values, dtype=np.float64) if score.higher_is_better else -np.array(values, dtype=np.float64)

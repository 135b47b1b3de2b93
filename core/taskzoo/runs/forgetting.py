"""What a continued run has forgotten: its model and that of the earlier run on the earlier one's test rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from taskzoo.errors import RequestError, TaskZooError
from taskzoo.metrics.paired import expanded_level, interval_of_pairs
from taskzoo.score_text import decimals
from taskzoo.spec import TaskSpec
from taskzoo.task import Task
from taskzoo.types import public

from .earlier_run import EarlierRun
from .measured import Measured, measure
from .old_rows import examples_of
from .scored_rows import read_scored_rows
from .verdict import FORGOTTEN, judging_score

if TYPE_CHECKING:
    from taskzoo.engine.evaluation import Predictor


def forgotten(earlier: EarlierRun, spec: TaskSpec, predictor: Predictor) -> dict[str, Any]:
    """Scores of both models on the test rows that the earlier run kept, and the differences.

    Both are scored by the task as it is now, from what ``predictions.jsonl`` keeps of predictions, and drawn together
    (a paired bootstrap). Scores that do not come out as the earlier run has them are left out.

    Returns:
        ``rows``, ``metric`` (the score to judge by) and ``scores``: name -> ``before``, ``after``, ``difference``,
        ``ci95`` (``None`` where a score cannot be resampled) and ``higher_is_better``; or ``left_out``, why there are
        none.
    """
    try:
        return _measured(earlier, spec, predictor)
    except TaskZooError as error:  # the model is trained, and its own scores are known
        return {"left_out": str(error)}


def _measured(earlier: EarlierRun, spec: TaskSpec, predictor: Predictor) -> dict[str, Any]:
    old, task = read_scored_rows(earlier.path), predictor.task
    names = old.told(old.statistics(old.task, old.task.metrics()))
    predictions = predictor.predict(examples_of(old, spec, task)).rows
    pairs = zip(predictions, old.rows, strict=True)
    new = replace(old, rows=[{**public(found), "reference": row["reference"]} for found, row in pairs])
    metrics = task.metrics()
    before, after = (measure(side.statistics(task, metrics), names) for side in (old, new))
    scores = {name: _difference(before, after, name, task) for name in names if name in after.scores}
    scores = {name: found for name, found in scores.items() if found is not None}
    if not scores:
        raise RequestError("no score of the old test rows can be computed from the predictions that were kept.")
    judge = judging_score(task)
    first = judge.name if judge is not None and judge.name in scores else next(iter(scores))
    return {"rows": len(old.rows), "metric": first, "scores": scores}


def _difference(before: Measured, after: Measured, name: str, task: Task) -> dict[str, Any] | None:
    """``None`` where one of the scores is undefined."""
    first, second = before.scores[name], after.scores[name]
    if not math.isfinite(second - first):
        return None
    ends = None
    if name in after.replicates:
        level = expanded_level(after.units[name])
        low, high = interval_of_pairs(after.replicates[name].tolist(), before.replicates[name].tolist(), level=level)
        ends = [low, high] if math.isfinite(low) and math.isfinite(high) else None
    higher = task.score_of(name).higher_is_better
    return {"before": first, "after": second, "difference": second - first, "ci95": ends, "higher_is_better": higher}


def forgotten_notes(metrics: Mapping[str, Any]) -> list[str]:
    """What a run that was continued forgot, in a sentence for people; nothing for other runs."""
    found = metrics.get(FORGOTTEN)
    if not found:
        return []
    if "left_out" in found:
        return [f"What was forgotten is not known: {found['left_out'].rstrip('.')}."]
    shown = [found["metric"], *(name for name in ("accuracy",) if name in found["scores"] and name != found["metric"])]
    parts = []
    for name in shown:
        one = found["scores"][name]
        low, high = one["ci95"] or (math.nan, math.nan)
        digits = decimals(one["difference"], low, high, of=(one["before"], one["after"]))
        ends = f" [{low:+.{digits}f}, {high:+.{digits}f}]" if one["ci95"] else ", which cannot be resampled"
        lower = "" if one["higher_is_better"] else "; lower is better"
        both = f"{one['before']:.{digits}f} before, {one['after']:.{digits}f} now"
        parts.append(f"{name} {one['difference']:+.{digits}f}{ends} ({both}{lower})")
    return [f"Forgotten on the {found['rows']:,} old test rows: {', '.join(parts)}."]

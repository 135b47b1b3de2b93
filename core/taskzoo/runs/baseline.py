"""A plain model beside the transformer, so that a person sees whether the transformer earns its cost."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from taskzoo.engine.evaluation import Evaluation, Predictions, score
from taskzoo.metrics.base import scorer
from taskzoo.metrics.paired import difference_interval

if TYPE_CHECKING:
    from taskzoo.engine.progress import Reporter

    from .plan import Plan


def score_baseline(plan: Plan, results: Mapping[str, Evaluation], reporter: Reporter) -> dict[str, Any]:
    """Fit the task's baseline on the training rows and score it on the splits of ``results``.

    Returns:
        split -> scores, ``seconds`` of fitting and predicting, and ``difference``: split -> the model's score less the
        baseline's in the first metric, with the 95% interval of a paired bootstrap.
    """
    reporter.say("Fitting the baseline.")
    task: Any = plan.task
    rows = plan.splits.rows
    began = time.perf_counter()
    predict = task.baseline(rows["train"], plan.config.training.seed)
    found: dict[str, Any] = {}
    differences: dict[str, Any] = {}
    for split, result in results.items():
        evaluation = score(plan.task, rows[split], Predictions(predict(rows[split])), intervals=True)
        found[split] = evaluation.to_dict()
        differences[split] = _difference(plan, result, evaluation)
    return {**found, "seconds": round(time.perf_counter() - began, 3), "difference": differences}


def _difference(plan: Plan, model: Evaluation, baseline: Evaluation) -> dict[str, Any]:
    metric = plan.task.metrics()[0]
    primary = plan.task.primary_metric
    name = primary if primary in baseline.scores else next(iter(baseline.scores))
    ours, theirs = (scorer(metric, metric.statistics(side.predictions, side.references)) for side in (model, baseline))
    low, high = difference_interval(
        len(model.references), lambda weights: ours(weights)[name], lambda weights: theirs(weights)[name]
    )
    return {"metric": name, "value": model.scores[name] - baseline.scores[name], "ci95": [low, high]}

"""A simple model scored next to the transformer, so that a person sees whether the transformer earns its cost."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from taskzoo.engine.evaluation import Evaluation, Predictions, score
from taskzoo.metrics.paired import difference_interval
from taskzoo.task import Task

if TYPE_CHECKING:
    from taskzoo.engine.progress import Reporter

    from .plan import Plan


def score_baseline(plan: Plan, results: Mapping[str, Evaluation], reporter: Reporter) -> dict[str, Any]:
    """Fit the task's baseline on the training rows and score it on the splits of ``results``.

    Returns:
        split -> scores, ``seconds`` of fitting and predicting, and ``difference``: split -> the model's score less the
        baseline's in the first metric, with the 95% interval of a paired bootstrap and the direction of the score.
    """
    reporter.say("Fitting the baseline.")
    examples = plan.splits.examples
    began = time.perf_counter()
    predict = plan.task.baseline(examples["train"], plan.config.training.seed)
    found: dict[str, Any] = {}
    differences: dict[str, Any] = {}
    for split, result in results.items():
        evaluation = score(plan.task, examples[split], Predictions(predict(examples[split])), intervals=True)
        found[split] = evaluation.to_dict()
        differences[split] = _difference(plan.task, result, evaluation)
    return {**found, "seconds": round(time.perf_counter() - began, 3), "difference": differences}


def _difference(task: Task, model: Evaluation, baseline: Evaluation) -> dict[str, Any]:
    name = task.primary_metric if task.primary_metric in baseline.scores else next(iter(baseline.scores))
    metrics = task.metrics()
    metric = next((one for one in metrics if any(score.describes(name) for score in one.scores)), metrics[0])
    statistics = [metric.statistics(side.predictions, side.references) for side in (model, baseline)]
    ours, theirs = (metric.scorer(of_side) for of_side in statistics)
    size = len(statistics[0])
    low, high = difference_interval(size, lambda weights: ours(weights)[name], lambda weights: theirs(weights)[name])
    return {
        "metric": name,
        "value": model.scores[name] - baseline.scores[name],
        "ci95": [low, high],
        "higher_is_better": task.score_of(name).higher_is_better,
    }

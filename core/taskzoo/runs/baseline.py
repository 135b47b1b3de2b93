"""A simple model scored next to the transformer, so that a person sees whether the transformer earns its cost."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskzoo.data.nested import nested_order
from taskzoo.data.stored_rows import few_of
from taskzoo.engine.random_state import seeded
from taskzoo.engine.scoring import Evaluation, in_parts, score
from taskzoo.metrics.paired import difference_interval, expanded_level, interval_of_pairs
from taskzoo.option_names import option_name
from taskzoo.types import Example, Prediction

if TYPE_CHECKING:
    from taskzoo.engine.progress import Reporter
    from taskzoo.task import Task

    from .plan import Plan


@dataclass(frozen=True, slots=True)
class Baseline:
    """The task's baseline, fitted on ``rows`` of ``train_rows`` training rows; 0: it is not fitted.

    Attributes:
        name: what it is.
        predict: examples to predictions.
        validation: its evaluation on validation rows, without intervals; ``None``: there are none.
        seconds: that all of this took.
    """

    name: str
    predict: Callable[[Sequence[Example]], list[Prediction]]
    rows: int
    train_rows: int
    validation: Evaluation | None
    seconds: float

    def facts(self) -> dict[str, Any]:
        """For the manifest."""
        return {"name": self.name, "rows": self.rows, "seconds": round(self.seconds, 3)}

    def said(self, metric: str) -> str:
        """A line for people, before training."""
        part = f" of {self.train_rows:,}" if self.rows < self.train_rows else ""
        everything = f" ({option_name('baseline', True)}: on all)" if part else ""
        line = f"baseline  {self.name}"
        if self.rows:
            line += f", fitted on {self.rows:,}{part} training rows{everything}"
        scores = self.validation.scores if self.validation else {}
        return line + (f": validation {metric} {scores[metric]:.4f}" if metric in scores else "")


def fit_baseline(plan: Plan, reporter: Reporter) -> tuple[Baseline | None, dict[str, Any]]:
    """Fit the task's baseline on training rows, and score it on validation rows, if the settings want one.

    Where they do not say (``baseline=None``), it takes seconds: a large set of training rows is sampled, and what goes
    wrong is a warning.

    Returns:
        The baseline, and what the manifest says of it.

    Raises:
        RequestError, PluginError: it cannot be fitted, and was asked for.
    """
    task, training, examples = plan.task, plan.config.training, plan.splits.examples
    if training.baseline is False or not task.has_baseline or not examples["train"]:
        return None, {}
    try:
        with seeded(training.seed):
            made = _fit(task, examples, training.seed, quickly=training.baseline is None)
    except Exception as error:  # whatever a baseline that nobody asked for may raise
        if training.baseline:
            raise
        reporter.say(f"warning   there is no baseline to compare with: {error}")
        return None, {"left_out": f"{error}"}
    name = made.validation and _metric_name(task, made.validation)
    reporter.say(made.said(name or ""))
    return made, made.facts()


def _fit(task: Task, examples: Mapping[str, Sequence[Example]], seed: int, *, quickly: bool) -> Baseline:
    began = time.perf_counter()
    everything, held = len(examples["train"]), examples.get("validation", ())
    train = few_of(examples["train"])
    quick = task.quick_baseline_rows(train)
    rows = min(len(train), quick) if quickly or not quick else len(train)
    known: Sequence[Example] = train if rows else ()
    if 0 < rows < len(train):
        known = [train[i] for i in sorted(nested_order(train, task.classes, task.dedup_key, seed)[:rows])]
    predict = task.baseline(known, seed)
    validation = score(task, held, in_parts(predict, held)) if held else None
    return Baseline(task.baseline_name, predict, rows, everything, validation, time.perf_counter() - began)


def score_baseline(
    task: Task, baseline: Baseline, examples: Mapping[str, Sequence[Example]], results: Mapping[str, Evaluation]
) -> dict[str, Any]:
    """Compare the model with its baseline on the last split of ``results``.

    Returns:
        ``name``; ``rows`` it was fitted on; split -> scores, of the last one with intervals; and ``difference``: the
        last split -> the model's score less the baseline's in the first metric, with the 95% interval of a paired
        bootstrap and the direction of the score.
    """
    found: dict[str, Any] = {"name": baseline.name, "rows": baseline.rows}
    if baseline.validation is not None:
        found["validation"] = baseline.validation.to_dict()
    differences = {}
    if results:
        split = list(results)[-1]
        held = examples[split]
        evaluation = score(task, held, in_parts(baseline.predict, held), intervals=True)
        found[split] = evaluation.to_dict()
        differences[split] = score_difference(task, results[split], evaluation)
    return {**found, "difference": differences}


def _metric_name(task: Task, baseline: Evaluation) -> str:
    """The primary metric, or the first one where that is the loss, which a baseline does not have."""
    return task.primary_metric if task.primary_metric in baseline.scores else next(iter(baseline.scores))


def score_difference(task: Task, model: Evaluation, baseline: Evaluation) -> dict[str, Any]:
    """The score of ``model`` less that of ``baseline`` in the first metric that both have, with its paired interval.

    Both are of the same rows.
    """
    name = _metric_name(task, baseline)
    low, high = _interval(task, name, model, baseline)
    value = model.scores[name] - baseline.scores[name]
    return {
        "metric": name,
        "value": value if math.isfinite(value) else None,
        "ci95": [low, high] if math.isfinite(low) and math.isfinite(high) else None,
        "higher_is_better": task.score_of(name).higher_is_better,
    }


def _interval(task: Task, name: str, model: Evaluation, baseline: Evaluation) -> tuple[float, float]:
    """From the replicates of both, which are of the same draws; made here for a metric without intervals."""
    metrics = task.metrics()
    metric = next((one for one in metrics if any(score.describes(name) for score in one.scores)), metrics[0])
    drawn = name in model.replicates and name in baseline.replicates
    if drawn and metric.by_row:
        units, statistics = len(model.references), []
    else:
        statistics = [metric.statistics(side.predictions, side.references) for side in (model, baseline)]
        units = len(statistics[0])
    if units < 2:
        return math.nan, math.nan
    level = expanded_level(units)
    if drawn:
        return interval_of_pairs(model.replicates[name], baseline.replicates[name], level=level)
    ours, theirs = map(metric.scorer, statistics)
    return difference_interval(
        units, lambda weights: ours(weights)[name], lambda weights: theirs(weights)[name], level=level
    )

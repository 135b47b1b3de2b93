"""A linear probe of the training rows, scored by cross-validation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from taskzoo.data.nested import nested_order
from taskzoo.engine.progress import Reporter
from taskzoo.engine.scoring import Predictions, score
from taskzoo.errors import RequestError
from taskzoo.labelling.out_of_fold import out_of_fold
from taskzoo.metrics.power_law import extrapolate, fit_power_law
from taskzoo.runs.curve import metric_of
from taskzoo.runs.learning_curve import Subset, probe_subsets
from taskzoo.runs.plan import Plan

from .forecast import ProbeScore

MOST_ROWS = 1000
"""Training rows that are probed: so many take some seconds, and more make the score little surer."""
FOLDS = 5
SIZES = (125, 250, 500, 1000)
"""Training rows for which a probe is fitted, where its score with more than these is to be extrapolated."""
SEEDS = 3


def sample(plan: Plan, most: int = MOST_ROWS) -> Plan:
    """``plan`` with at most so many of its training rows, in which classes have their shares."""
    examples, task = plan.splits.examples, plan.task
    train = examples["train"]
    if len(train) <= most:
        return plan
    kept = sorted(nested_order(train, task.classes, task.dedup_key, plan.config.training.seed)[:most])
    part = {**examples, "train": [train[i] for i in kept]}
    return replace(plan, splits=replace(plan.splits, examples=part))


def probe_score(plan: Plan, reporter: Reporter, stop: Callable[[], bool], metric: str = "") -> ProbeScore:
    """A score of a linear probe on training rows that it was not fitted on: ``metric``, or the task's primary one.

    Raises:
        RequestError: no probe can be fitted, with the reason.
    """
    task = plan.task
    if task.generates:
        raise RequestError(f"{plan.entry.name} generates text, and no probe tells how well a model will")
    part = sample(plan)
    examples = part.splits.examples["train"]
    part = replace(part, splits=replace(part.splits, examples={**part.splits.examples, "validation": [], "test": []}))
    judged = out_of_fold(part, FOLDS, reporter, stop)
    kept = _learnable([task.classes(example) for example in examples], judged.folds)
    examples = [examples[i] for i in kept]
    if len(examples) < FOLDS:
        raise RequestError("hardly any class has two rows, so no probe can be scored on rows that it has not seen")
    found = score(task, examples, Predictions([judged.predictions[i] for i in kept]), intervals=True)
    name = metric or metric_of(task.primary_metric, list(found.scores))
    value, replicates = found.scores[name], np.array(found.replicates.get(name, ()), dtype=np.float64)
    replicates = replicates[np.isfinite(replicates)]
    if not math.isfinite(value) or len(replicates) < 2:
        raise RequestError(f"{name} of a probe is not defined on these {len(examples)} rows")
    # a score of 0 or 1 has an error, too: that of one row more that is otherwise
    error = max(float(replicates.std(ddof=1)), 1 / (len(examples) + 2))
    several = any("labels" in prediction for prediction in judged.predictions)
    unit = "token" if task.token_target else "labels" if several else "text"
    return ProbeScore(task.score_of(name), float(value), error, len(examples), unit)


def _learnable(classes: Sequence[Sequence[str]], folds: np.ndarray) -> list[int]:
    """Indices of the rows whose classes all occur in other folds than theirs; no probe can be right about the others.

    In training on all rows they are learnt, so they would make the score too low.
    """
    where: dict[str, set[int]] = {}
    for names, fold in zip(classes, folds.tolist(), strict=True):
        for name in names:
            where.setdefault(name, set()).add(fold)
    return [i for i, names in enumerate(classes) if all(len(where[name]) > 1 for name in names)]


def grown(plan: Plan, probed: ProbeScore, reporter: Reporter, stop: Callable[[], bool]) -> ProbeScore:
    """``probed`` with what the rows that were not probed are expected to add.

    That is read off the learning curve of a probe on the validation rows.

    Raises:
        RequestError: there are no validation rows, or the curve leads nowhere.
    """
    part = sample(plan)
    if part is plan:
        return probed
    examples, task, score_ = part.splits.examples["train"], part.task, probed.score
    validation, rows = plan.splits.examples["validation"], len(plan.splits.examples["train"])
    best = score_.range[1 if score_.higher_is_better else 0]
    if not validation or not math.isfinite(best):
        raise RequestError(f"a probe of {len(examples):,} of {rows:,} rows says nothing of all without a curve")
    curved = replace(
        part, splits=replace(part.splits, examples={"train": examples, "validation": validation, "test": []})
    )
    seeds = range(plan.config.training.seed, plan.config.training.seed + SEEDS)
    orders = {seed: nested_order(examples, task.classes, task.dedup_key, seed) for seed in seeds}
    subsets = [
        Subset(size, seed, sorted(orders[seed][:size]))
        for size in SIZES
        for seed in seeds
        if size < len(examples) or seed == seeds[0]
    ]
    pairs = [
        (outcome.rows, abs(outcome.metrics[score_.name] - best))
        for outcome in probe_subsets(curved, subsets, reporter, stop)
        if outcome.metrics.get(score_.name) is not None
    ]
    sizes, errors = [size for size, _ in pairs], [error for _, error in pairs]
    law, ahead = fit_power_law(sizes, errors), extrapolate(sizes, errors, rows)
    if law is None or ahead is None:
        raise RequestError(f"the learning curve of a probe does not say what {rows:,} rows bring")
    sign = 1 if score_.higher_is_better else -1
    growth = sign * (law.predict(float(len(examples))) - ahead[0])
    return replace(probed, growth=growth, growth_error=(ahead[2] - ahead[1]) / (2 * 1.96))

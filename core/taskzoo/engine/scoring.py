"""From decoded parts to predictions and scores, which needs no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from taskzoo.errors import PluginError, RequestError
from taskzoo.metrics.constant import constant_facts
from taskzoo.metrics.intervals import bootstrap_replicates, replicate_intervals
from taskzoo.task import Task
from taskzoo.types import LOSS, Example, Metric, Prediction

MAX_EXAMPLES = 256
"""Features of a batch at most."""
MAX_TOKENS, MAX_TOKENS_ON_CPU = 8192, 1024
"""Padded tokens of a batch at most, where no other number is asked for."""


def most_tokens(task: Task, *, on_cpu: bool) -> int:
    """Padded tokens of a batch with which prediction is fastest.

    On a CPU, what passes from layer to layer stays in its caches, and features of a batch are of nearly one length. To
    generate, all weights are read for every token of a batch, so the more rows it has, the better.
    """
    return MAX_TOKENS_ON_CPU if on_cpu and not task.generates else MAX_TOKENS


@dataclass(slots=True)
class Predictions:
    """Predictions for examples, and their loss where it was asked for and they have targets.

    ``counts`` is what encoding counted: :attr:`taskzoo.types.Encoded.counts`.
    """

    rows: list[Prediction]
    loss: float | None = None
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Evaluation:
    """Scores of one split: ``scores`` name -> value, ``intervals`` name -> (low, high), ``details`` e.g. per label."""

    predictions: list[Prediction]
    references: list[Prediction]
    scores: dict[str, float]
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    replicates: dict[str, list[float]] = field(default_factory=dict)
    """name -> the score in every bootstrap replicate, for a paired comparison on the same rows."""

    def to_dict(self) -> dict[str, Any]:
        """The form of one split in ``metrics.json``; a score that is undefined (not a number) is ``None``."""
        values: dict[str, Any] = {}
        for name, value in self.scores.items():
            values[name] = value if math.isfinite(value) else None
            if ends := self.intervals.get(name):
                values[f"{name}_ci95"] = list(ends) if all(map(math.isfinite, ends)) else None
        return {**values, **self.details, "rows": len(self.references)}

    def __repr__(self) -> str:
        shown = ", ".join(f"{name} {value:.3f}" for name, value in self.scores.items())
        return f"<Evaluation of {len(self.references)} rows: {shown}>"


@dataclass(slots=True)
class Decoded:
    """``parts[i]`` are the parts of example ``i`` in feature order; and the loss, if it was asked for."""

    parts: list[list[Any]]
    loss: float | None = None


def assemble(task: Task, examples: Sequence[Example], decoded: Decoded) -> Predictions:
    """The decoded parts as one prediction per example."""
    predictions = task.assemble(examples, decoded.parts)
    if len(predictions) != len(examples):
        raise PluginError(f"The task assembled {len(predictions)} predictions for {len(examples)} rows.")
    return Predictions(predictions, decoded.loss)


def score(
    task: Task,
    examples: Sequence[Example],
    predictions: Predictions,
    *,
    further: Sequence[Metric] = (),
    intervals: bool = False,
) -> Evaluation:
    """Compare predictions, one for each example, with the references: by the metrics of the task and ``further`` ones.

    ``intervals`` adds 95% bootstrap intervals over units of the metric, and its details. A :class:`RequestError` if a
    further metric gives a score that another one gives.
    """
    references = task.references(examples)
    result = Evaluation(predictions.rows, references, {})
    for metric in [*task.metrics(), *further]:
        statistics = metric.statistics(predictions.rows, references)
        scorer = metric.scorer(statistics)
        scores = scorer(np.ones(len(statistics)))
        if metric in further and (twice := scores.keys() & result.scores.keys()):
            raise RequestError(f"Two metrics give a score named {min(twice)!r}; leave out the one that was added.")
        result.scores.update(scores)
        if intervals:
            if metric.resamples:
                units = len(statistics)
                replicates = bootstrap_replicates(units, scorer)
                result.intervals.update(replicate_intervals(units, scorer, replicates, described=metric.scores))
                result.replicates.update(replicates)
            result.details.update(metric.details(predictions.rows, references))
            result.details.update(constant_facts(metric, predictions.rows, references))
    if predictions.loss is not None:
        result.scores[LOSS.name] = predictions.loss
    result.scores = {name: float(np.float64(value)) for name, value in result.scores.items()}
    return result

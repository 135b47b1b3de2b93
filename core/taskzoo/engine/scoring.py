"""From decoded parts to predictions and scores, which needs no torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence, Sized
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np

from taskzoo.data.stored_rows import Stored
from taskzoo.errors import PluginError, RequestError
from taskzoo.metrics.constant import constant_facts
from taskzoo.metrics.intervals import bootstrap_replicates, replicate_intervals
from taskzoo.task import Task
from taskzoo.types import LOSS, Example, Metric, Prediction

PART, FEW = 10_000, 100_000
"""Of examples on disk: how many are predicted and scored at a time, and for how many details are given."""
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


class InParts(Sequence[Prediction]):
    """Predictions, or references, of examples on disk: made part by part, whenever they are asked for.

    Args:
        count: of all.
        make: those from one number to another, the second excluded.
    """

    def __init__(self, count: int, make: Callable[[int, int], Sequence[Prediction]]) -> None:
        self._count, self._make = count, make
        self._start = 0
        self._made: Sequence[Prediction] = ()

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Prediction: ...
    @overload
    def __getitem__(self, index: slice) -> list[Prediction]: ...
    def __getitem__(self, index: int | slice) -> Prediction | list[Prediction]:
        if isinstance(index, slice):
            return [self[i] for i in range(self._count)[index]]
        place = range(self._count)[index]
        if not 0 <= place - self._start < len(self._made):
            self._start = place // PART * PART
            self._made = self._make(self._start, min(self._start + PART, self._count))
        return self._made[place - self._start]

    def parts(self) -> Iterator[list[Prediction]]:
        """All, :data:`PART` at a time."""
        return (self[start : start + PART] for start in range(0, self._count, PART))


@dataclass(slots=True)
class Predictions:
    """Predictions for examples, and their loss where it was asked for and they have targets.

    ``counts`` is what encoding counted: :attr:`taskzoo.types.Encoded.counts`.
    """

    rows: Sequence[Prediction]
    loss: float | None = None
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Evaluation:
    """Scores of one split: ``scores`` name -> value, ``intervals`` name -> (low, high), ``details`` e.g. per label."""

    predictions: Sequence[Prediction]
    references: Sequence[Prediction]
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

    parts: Sequence[list[Any]]
    loss: float | None = None


class PartsTable(Sequence[list[Any]]):
    """Parts that are arrays of one shape, as one array ``[features, ...]``.

    Args:
        table: of all features, in their order.
        rows: the example of each feature, ascending.
        count: of the examples.
    """

    def __init__(self, table: np.ndarray, rows: np.ndarray, count: int) -> None:
        self._table, self._starts = table, np.searchsorted(rows, np.arange(count + 1))

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, index: int) -> list[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[list[Any]]: ...
    def __getitem__(self, index: int | slice) -> list[Any]:
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        place = range(len(self))[index]
        return list(self._table[self._starts[place] : self._starts[place + 1]])


def in_parts(predict: Callable[[Sequence[Example]], Sequence[Prediction]], examples: Sequence[Example]) -> Predictions:
    """What ``predict`` makes of examples; where they are on disk, part by part."""
    if not isinstance(examples, Stored):
        return Predictions(predict(examples))
    return Predictions(InParts(len(examples), lambda start, stop: predict(examples[start:stop])))


def assemble(task: Task, examples: Sequence[Example], decoded: Decoded) -> Predictions:
    """The decoded parts as one prediction per example."""
    if isinstance(examples, Stored):

        def make(start: int, stop: int) -> Sequence[Prediction]:
            return assemble(task, examples[start:stop], Decoded(decoded.parts[start:stop])).rows

        return Predictions(InParts(len(examples), make), decoded.loss)
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
    references = in_parts(task.references, examples).rows
    result = Evaluation(predictions.rows, references, {})
    metrics = [*task.metrics(), *further]
    few, few_references = _few(predictions.rows), _few(references)
    if intervals and len(few) < len(references):
        result.details["details_rows"] = len(few)
    for metric, statistics in zip(metrics, _statistics(metrics, predictions.rows, references), strict=True):
        scorer = metric.scorer(statistics)
        scores = metric.of_all(statistics)
        if metric in further and (twice := scores.keys() & result.scores.keys()):
            raise RequestError(f"Two metrics give a score named {min(twice)!r}; leave out the one that was added.")
        result.scores.update(scores)
        if intervals:
            if metric.resamples:
                units = len(statistics)
                replicates = bootstrap_replicates(units, scorer)
                result.intervals.update(replicate_intervals(units, scorer, replicates, described=metric.scores))
                result.replicates.update(replicates)
            result.details.update(metric.details(few, few_references))
            result.details.update(constant_facts(metric, few, few_references))
    if predictions.loss is not None:
        result.scores[LOSS.name] = predictions.loss
    result.scores = {name: float(np.float64(value)) for name, value in result.scores.items()}
    return result


def _statistics(
    metrics: Sequence[Metric], predictions: Sequence[Prediction], references: Sequence[Prediction]
) -> list[Sized]:
    """The statistics of each metric; of examples on disk part by part, where the metric allows."""
    if not isinstance(predictions, InParts) or not isinstance(references, InParts):
        return [metric.statistics(predictions, references) for metric in metrics]
    parts: list[list[Any]] = [[] for _ in metrics]
    for given, known in zip(predictions.parts(), references.parts(), strict=True):
        for metric, found in zip(metrics, parts, strict=True):
            if metric.by_row:
                found.append(metric.statistics(given, known))
    return [
        np.concatenate(found) if metric.by_row else metric.statistics(predictions, references)
        for metric, found in zip(metrics, parts, strict=True)
    ]


def _few(rows: Sequence[Prediction]) -> Sequence[Prediction]:
    """Of many that are made part by part :data:`FEW`, at even distances; otherwise all."""
    return rows[:: -(-len(rows) // FEW)] if isinstance(rows, InParts) and rows else rows

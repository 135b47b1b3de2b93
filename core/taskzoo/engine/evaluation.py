"""Prediction and scoring: logits are reduced to predictions batch by batch and never kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from taskzoo.data.batching import plan_evaluation
from taskzoo.errors import TaskZooError
from taskzoo.metrics.base import scorer
from taskzoo.metrics.intervals import bootstrap_intervals
from taskzoo.task import Batch, Encoded, Feature, Prediction, Row, Task

from .batches import to_device
from .forward import decode_batch

if TYPE_CHECKING:
    from accelerate import Accelerator

MAX_EXAMPLES = 256


@dataclass(slots=True)
class Predictions:
    """Predictions for rows, and the loss where the rows carry labels (``None`` otherwise)."""

    rows: list[Prediction]
    loss: float | None = None


@dataclass(slots=True)
class Evaluation:
    """Scores of one split: ``scores`` name -> value, ``intervals`` name -> (low, high), ``details`` e.g. per label."""

    predictions: list[Prediction]
    references: list[Prediction]
    scores: dict[str, float]
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The form of one split in ``metrics.json``; a score that is undefined (not a number) is ``None``."""
        values: dict[str, Any] = {}
        for name, value in self.scores.items():
            values[name] = value if math.isfinite(value) else None
            if name in self.intervals:
                low, high = self.intervals[name]
                values[f"{name}_ci95"] = [low, high] if math.isfinite(low) and math.isfinite(high) else None
        return {**values, **self.details, "rows": len(self.references)}


@dataclass(slots=True)
class Decoded:
    """What ``task.decode`` gave: ``parts[i]`` for row ``i`` in feature order; and the loss, if it was asked for."""

    parts: list[list[Any]]
    loss: float | None = None


def predict(
    model: nn.Module,
    task: Task,
    rows: Sequence[Row],
    encoded: Encoded,
    collate: Callable[[Sequence[Feature]], Batch],
    accelerator: Accelerator,
    *,
    max_tokens: int = 8192,
    with_loss: bool = False,
    advance: Callable[[int], None] | None = None,
) -> Predictions:
    """One prediction per row: :func:`decode` and :func:`assemble`."""
    decoded = decode(
        model, task, len(rows), encoded, collate, accelerator,
        max_tokens=max_tokens, with_loss=with_loss, advance=advance,
    )  # fmt: skip
    return assemble(task, rows, decoded)


def assemble(task: Task, rows: Sequence[Row], decoded: Decoded) -> Predictions:
    """The decoded parts as one prediction per row."""
    predictions = task.assemble(rows, decoded.parts)
    if len(predictions) != len(rows):
        raise TaskZooError(f"The task assembled {len(predictions)} predictions for {len(rows)} rows.")
    return Predictions(predictions, decoded.loss)


@torch.no_grad()
def decode(
    model: nn.Module,
    task: Task,
    rows: int,
    encoded: Encoded,
    collate: Callable[[Sequence[Feature]], Batch],
    accelerator: Accelerator,
    *,
    max_tokens: int = 8192,
    with_loss: bool = False,
    advance: Callable[[int], None] | None = None,
) -> Decoded:
    """Run ``model`` over all features, longest input first, and reduce its outputs to small parts, batch by batch.

    Where the task generates, its outputs are computed for the loss only.

    With several processes each takes every n-th batch; parts are gathered by feature index, so nothing is counted
    twice. The model's training mode is restored.
    """
    from accelerate.utils import gather_object

    features = encoded.features
    batches = plan_evaluation([len(f["input_ids"]) for f in features], max_tokens=max_tokens, max_examples=MAX_EXAMPLES)
    mine = batches[accelerator.process_index :: accelerator.num_processes]
    was_training = model.training
    model.eval()
    parts: list[tuple[int, Any]] = []
    total = torch.zeros(2, dtype=torch.float64, device=accelerator.device)
    for indices in mine:
        batch = to_device(collate([features[i] for i in indices]), accelerator.device)
        found, outputs = decode_batch(task, model, batch, accelerator, with_outputs=with_loss)
        parts.extend(zip(indices, found, strict=True))
        if with_loss:
            total += torch.stack([value.double() for value in task.loss(outputs, batch)]).to(total)
        if advance is not None:
            advance(len(indices))
    model.train(was_training)
    if accelerator.num_processes > 1:
        parts = gather_object(parts)
        total = accelerator.reduce(total, reduction="sum")
    per_row: list[list[Any]] = [[] for _ in range(rows)]
    for index, part in sorted(parts, key=lambda item: item[0]):
        per_row[features[index]["row"]].append(part)
    loss_sum, weight = total.tolist()
    return Decoded(per_row, loss_sum / weight if with_loss and weight else None)


def score(
    task: Task, rows: Sequence[Row], predictions: Predictions, *, intervals: bool = False, seed: int = 0
) -> Evaluation:
    """Compare predictions with the rows' references; ``intervals`` adds 95% bootstrap intervals over rows."""
    references = task.references(rows)
    result = Evaluation(predictions.rows, references, {})
    for metric in task.metrics():
        statistics = metric.statistics(predictions.rows, references)
        scores = scorer(metric, statistics)
        result.scores.update(scores(np.ones(len(statistics))))
        if intervals:
            result.intervals.update(bootstrap_intervals(len(statistics), scores, seed=seed))
            result.details.update(metric.details(predictions.rows, references))
    if predictions.loss is not None:
        result.scores["loss"] = predictions.loss
    result.scores = {name: float(np.float64(value)) for name, value in result.scores.items()}
    return result

"""How an export compares with its run: outputs, answers, score, time and size."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from taskzoo.arrays import as_array
from taskzoo.data.batching import plan_evaluation
from taskzoo.engine.batches import tensors
from taskzoo.engine.exported_predictor import ExportedPredictor
from taskzoo.engine.scoring import Evaluation, Predictions, score
from taskzoo.runs.baseline import score_difference
from taskzoo.seq2seq.seq2seq_task import Seq2SeqTask
from taskzoo.task import Task
from taskzoo.types import Batch, Example, Feature, Prediction, public

if TYPE_CHECKING:
    from taskzoo.engine.evaluation import Predictor

BATCHES = (1, 16)
"""Numbers of texts that are timed."""
SECONDS, REPEATS = 2.0, 50
"""A time is the median of so many repetitions, or of those that fit in so many seconds, three at least."""


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a model, as it was measured.

    Args:
        name: such as ``"torch fp32"`` or ``"onnx int8"``.
        size: of its files, in bytes.
        seconds: number of texts -> time from the texts to predictions.
        evaluation: on the measured rows.
    """

    name: str
    size: int
    seconds: dict[int, float]
    evaluation: Evaluation

    @classmethod
    def measured(
        cls, name: str, size: int, predictor: Predictor | ExportedPredictor, examples: Sequence[Example]
    ) -> Form:
        """Predict for all ``examples``, and time some of them."""
        task = predictor.task
        made = predictor.predict(examples)
        evaluation = score(task, examples, Predictions(made.rows), intervals=True)
        seconds = {size: latency(predictor.predict, examples, size) for size in BATCHES}
        return cls(name, size, seconds, evaluation)


@dataclass(frozen=True, slots=True)
class Change:
    """What a form does otherwise than the run.

    Args:
        output: the largest difference of an output of the model.
        rows: how many answers are others; ``None``: answers are numbers, which all differ by a little.
        metric: the score that is compared.
        value: its difference, the form's less the run's; ``None``: it is not defined.
        interval: of that, the central 95% of a paired bootstrap.
        cost: how much worse the score is, as a share of its range (of the run's score where it has no range); never
            negative, and infinite where the difference is not defined.
    """

    output: float
    rows: int | None
    metric: str
    value: float | None
    interval: tuple[float, float] | None
    cost: float

    @classmethod
    def between(cls, task: Task, run: Form, form: Form, output: float) -> Change:
        """Of ``form`` against ``run``, on the same rows."""
        found = score_difference(task, form.evaluation, run.evaluation)
        name, value, interval = found["metric"], found["value"], found["ci95"]
        low, high = task.score_of(name).range
        span = high - low if math.isfinite(high - low) else abs(run.evaluation.scores[name])
        worse = math.inf if value is None else max(0.0, -value if found["higher_is_better"] else value)
        cost = worse / span if span else worse
        rows = changed_answers(task, run.evaluation, form.evaluation)
        return cls(output, rows, name, value, tuple(interval) if interval else None, cost)


def latency(predict: Callable[[Sequence[Example]], Any], examples: Sequence[Example], size: int) -> float:
    """Seconds from ``size`` of the examples to predictions: the median, after one run that does not count."""
    chosen = [examples[i % len(examples)] for i in range(size)]
    predict(chosen)
    times: list[float] = []
    while len(times) < 3 or (len(times) < REPEATS and sum(times) < SECONDS):
        began = time.perf_counter()
        predict(chosen)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def largest_difference(run: Predictor, exported: ExportedPredictor, features: Sequence[Feature]) -> tuple[float, float]:
    """The largest difference of any output for real tokens, and the largest output of the run.

    Batches are those of prediction, and the shortest and the longest feature alone.
    """
    lengths = [feature.length for feature in features]
    ends = [[int(np.argmin(lengths))], [int(np.argmax(lengths))]]
    worst = most = 0.0
    for indices in [*plan_evaluation(lengths, max_tokens=run.max_tokens, max_examples=32), *ends]:
        batch = run.collate([features[i] for i in indices])
        moved = tensors(batch)
        with torch.no_grad():
            expected = run.task.forward(run.model, moved)
        found = exported.task.forward(exported.model, batch)
        for name, value in vars(found).items():
            for ours, theirs in zip(_parts(value), _parts(getattr(expected, name)), strict=True):
                ours, theirs = _real(ours, batch), _real(theirs, batch)
                worst = float(np.maximum(worst, np.abs(ours - theirs).max(initial=0.0)))  # NaN stays NaN
                most = float(np.maximum(most, np.abs(theirs).max(initial=0.0)))
    return worst, most


def largest_score_difference(
    run: Predictor, exported: ExportedPredictor, features: Sequence[Feature]
) -> tuple[float, float]:
    """The largest difference of any log-probability of a token of a reference, and the largest of the run's.

    Batches are those of prediction, but small: nothing is generated for it.
    """
    chosen = [feature for feature in features if feature["target_ids"]]
    worst = most = 0.0
    for indices in plan_evaluation([f.length for f in chosen], max_tokens=run.max_tokens, max_examples=16):
        batch, targets = run.collate([chosen[i] for i in indices]), [chosen[i]["target_ids"] for i in indices]
        expected = cast(Seq2SeqTask, run.task).token_scores(run.model, tensors(batch), targets)
        found = cast(Seq2SeqTask, exported.task).token_scores(exported.model, batch, targets)
        for ours, theirs in zip(found, expected, strict=True):
            worst = float(np.max([worst, *np.abs(np.subtract(ours, theirs))]))
            most = float(np.max([most, *np.abs(theirs)]))
    return worst, most


def _parts(value: Any) -> list[np.ndarray]:
    return [as_array(part) for part in (value if isinstance(value, tuple) else (value,))]


def _real(output: np.ndarray, batch: Batch) -> np.ndarray:
    """An output without what stands for padding, where it has a value per token."""
    mask = as_array(batch.inputs["attention_mask"]).astype(bool)
    return output[mask] if output.ndim == 3 and output.shape[:2] == mask.shape else output


def changed_answers(task: Task, run: Evaluation, form: Evaluation) -> int | None:
    """How many rows have another answer; probabilities do not count. ``None``: answers are numbers."""
    constants = (metric.constant(run.references) for metric in task.metrics())
    keys = next((set(constant) for constant in constants if constant), None)
    both = [[_answer(public(one), keys) for one in made.predictions] for made in (run, form)]
    if run.predictions and not both[0][0]:
        return None
    return sum(bool(a != b) for a, b in zip(*both, strict=True))


def _answer(prediction: Prediction, keys: set[str] | None) -> Any:
    chosen = {name: value for name, value in prediction.items() if keys is None or name in keys}
    return _without_numbers(chosen)


def _without_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_numbers(one) for name, one in value.items() if not isinstance(one, float)}
    return [_without_numbers(one) for one in value] if isinstance(value, list) else value

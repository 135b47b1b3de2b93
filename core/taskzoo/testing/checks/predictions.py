"""What a finished run predicts, and the scores of it."""

from __future__ import annotations

import json
import math
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

from taskzoo.arrays import widths_in_steps_of
from taskzoo.types import LOSS, Metric, Score, public

from ..bench import Bench
from .common import as_json, close, difference, require, without_targets
from .promise import promise


@promise(
    why="The answer to a text would depend on which other texts are asked about at the same time.",
    fix="Pass attention_mask to the model, leave padding out of pooling and decoding, and compare no rows in a batch.",
    after="encoding loss",
)
def check_batching(bench: Bench) -> None:
    """Padding and batch size change neither predictions nor loss."""
    examples = bench.run.task.prepare(bench.raw["test"], "test")
    alone, together = bench.predict(examples, max_tokens=1), bench.predict(examples)
    longest = max(feature.length for feature in bench.run.task.encode(examples, bench.processor).features)
    with widths_in_steps_of(8, longest):
        wide = bench.predict(examples, max_tokens=1)
    one_by_one, in_batches, in_wide = ([public(p) for p in found.rows] for found in (alone, together, wide))
    for others, where in ((in_batches, "in a batch than alone"), (in_wide, "with padding than without")):
        found = difference(one_by_one, others, 1e-3)
        require(not found, f"a row is predicted differently {where} (padding is seen): {found}")
    if alone.loss is None or together.loss is None or wide.loss is None:
        raise AssertionError("labelled rows gave no loss")
    require(close(alone.loss, wide.loss, 1e-5, 1e-6), f"padding changes the loss: {alone.loss} to {wide.loss}")
    if not bench.task_class.batch_coupled:
        same = close(alone.loss, together.loss, 1e-5, 1e-6)
        require(same, f"the loss is {alone.loss:.7g} row by row and {together.loss:.7g} in one batch")


@promise(
    why="Users get these answers as JSON, each at the place of its row; scores of answers that were read say nothing.",
    fix="In assemble(), make one plain dict per example from parts[i] alone; read no target in encode() or decode().",
    after="rows encoding batching",
)
def check_predictions(bench: Bench) -> None:
    """One JSON-serialisable prediction per row, with its reference in ``predictions.jsonl``; new inputs work too."""
    run = bench.run
    rows = bench.raw["test"]
    predictions = run.predict_rows(rows)
    require(len(predictions) == len(rows), f"{len(predictions)} predictions for {len(rows)} rows")
    require(all(isinstance(p, dict) for p in predictions), "a prediction must be a dict")
    as_json(predictions, "predictions")
    for prediction in predictions:
        _check_entities(prediction.get("text"), prediction.get("entities", ()))
    lines = (run.path / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    require(len(lines) == len(rows), f"predictions.jsonl has {len(lines)} lines for {len(rows)} rows")
    require(all("reference" in json.loads(line) for line in lines), "predictions.jsonl lacks references")
    inputs = bench.given
    require(len(run.predict(inputs)) == len(inputs), "predict() of a list does not give one prediction per input")
    for index in (0, len(rows) - 1):
        (alone,) = run.predict_rows([rows[index]])
        found = difference(alone, predictions[index], 1e-3)
        require(not found, f"row {index + 1} gets another prediction alone than among others: {found}")
    as_json(run.predict(inputs[0]), "predict()")
    found = difference(predictions, run.predict_rows([without_targets(bench.spec, row) for row in rows]), 1e-3)
    require(not found, f"a row is predicted otherwise without its target, so the answer is read from it: {found}")


def _check_entities(text: Any, entities: Sequence[Mapping[str, Any]]) -> None:
    """Entities stand in the text of their prediction where they say."""
    for entity in entities:
        if isinstance(text, str) and {"text", "start", "end"} <= set(entity):
            there = text[entity["start"] : entity["end"]]
            good = there == entity["text"]
            require(good, f"the entity {entity['text']!r} is said to be where the text has {there!r}")


@promise(
    why="Scores choose the checkpoint, and intervals and comparisons resample their statistics.",
    fix="Compute each row's statistics from that row alone, scores from weighted statistics alone, and declare them.",
    after="rows batching predictions",
)
def check_metrics(bench: Bench) -> None:
    """Metrics need no network, say what their scores mean, follow from their statistics, and prefer right answers.

    A score may be undefined (NaN) on the few rows; then ``metrics.json`` holds ``null``.
    """
    run = bench.run
    examples = run.task.prepare(bench.raw["test"], "test")
    predictions, references = bench.predict(examples).rows, run.task.references(examples)
    found: dict[str, float] = {}
    best: dict[str, float] = {}
    with _offline():
        metrics = run.task.metrics()
        require(metrics, "metrics() is empty")
        for metric in metrics:
            require(isinstance(metric, Metric), f"{type(metric).__name__} is not a subclass of taskzoo.Metric")
            found |= _check_metric(metric, predictions, references)
            _check_metric(metric, _half_right(predictions, references), references)
            best |= _of_right_answers(metric, references)
            as_json(metric.details(predictions, references), f"{type(metric).__name__}.details()")
    for name, value in found.items():
        low, high = run.task.score_of(name).range
        good = math.isnan(value) or low - 1e-9 <= value <= high + 1e-9
        require(good, f"{name}={value:.4g} is not between {low:g} and {high:g}, the range of its Score")
    primary = run.task.primary_metric
    if primary != LOSS.name:
        require(primary in found, f"primary_metric {primary!r} is not among {', '.join(found)}")
        worse = run.task.score_of(primary).better(found[primary], best[primary])
        good = math.isfinite(best[primary]) and not worse
        require(good, f"right answers score {primary}={best[primary]:.4g}, the model's {found[primary]:.4g}")
    for name, value in found.items():
        kept = run.metrics["test"].get(name, "nothing")
        same = kept is None if math.isnan(value) else isinstance(kept, (int, float)) and close(kept, value, 1e-4, 1e-6)
        require(same, f"metrics.json says {name}={kept}, the predictions {value}")


def _of_right_answers(metric: Metric, references: Sequence[Any]) -> dict[str, float]:
    """The scores of the references themselves, NaN where they are undefined whatever is reported then."""
    import numpy as np

    statistics = metric.statistics(references, references)
    return metric.scorer(statistics)(np.ones(len(statistics)))


def _half_right(predictions: Sequence[Any], references: Sequence[Any]) -> list[dict[str, Any]]:
    """Predictions of which every second one says what its reference says: a model that knows nothing has one score."""
    pairs = enumerate(zip(predictions, references, strict=True))
    return [{**prediction, **public(reference)} if i % 2 else prediction for i, (prediction, reference) in pairs]


def _check_metric(metric: Metric, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
    """The scores of one metric, whose statistics and scorer must agree."""
    import numpy as np

    name, scores = type(metric).__name__, list(metric.scores)
    require(scores and all(isinstance(s, Score) for s in scores), f"{name}.scores must list what it gives as Score")
    statistics = metric.statistics(predictions, references)
    size = len(statistics)
    if isinstance(statistics, np.ndarray):
        require(statistics.dtype == np.float64, f"{name}.statistics() must be float64 and is {statistics.dtype}")
        require(np.isfinite(statistics).all(), f"{name}.statistics() holds values that are not finite")
    if metric.resamples and size == len(predictions):
        for index, (prediction, reference) in enumerate(zip(predictions, references, strict=True)):
            alone = metric.statistics([prediction], [reference])
            same = len(alone) == 1 and np.allclose(alone[0], statistics[index])  # type: ignore[index]
            require(same, f"{name}.statistics() of one example depends on the others")
    found = metric.of_all(statistics)
    undeclared = [key for key in found if not any(score.describes(key) for score in scores)]
    require(not undeclared, f"{name} gives {', '.join(undeclared)}, which its `scores` do not list")
    computed = metric.compute(predictions, references)
    for key, value in found.items():
        same = key in computed and close(computed[key], value)
        require(same, f"{name}.compute() gives {key}={computed.get(key)}, its statistics {value}")
    if metric.resamples and isinstance(statistics, np.ndarray):
        times = (np.arange(size) + 1) % 3
        weighted = metric.scorer(statistics)(times.astype(np.float64))
        for key, value in metric.scorer(statistics.repeat(times, axis=0))(np.ones(times.sum())).items():
            same = key in weighted and close(weighted[key], value)
            require(same, f"{name}: weights give {key}={weighted.get(key)}, the rows repeated as often {value}")
    return found


@contextmanager
def _offline() -> Iterator[None]:
    """Any attempt to reach the network fails the check."""
    refuse = mock.Mock(side_effect=AssertionError("a metric tried to reach the network"))
    with mock.patch.object(socket.socket, "connect", refuse), mock.patch.object(socket, "getaddrinfo", refuse):
        yield

"""Bridges to Hugging Face's ``evaluate``: its modules as metrics of any task, and metrics of tasks as its modules."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from numbers import Real
from pathlib import Path
from typing import Any

import datasets
import evaluate
import numpy as np

from taskzoo.errors import DataError, RequestError
from taskzoo.option_names import option_name
from taskzoo.types import Metric, Prediction, Score, Scorer

from .base import check_lengths, column

ANSWERS = ("label", "labels", "value", "tags", "text", "targets")
"""Keys of an answer; the first that a reference has is compared. ``targets`` are compared with the ``text``."""


class EvaluateMetric(Metric):
    """An ``evaluate`` module as a metric: ``EvaluateMetric("my/wer.py", [Score("wer", higher_is_better=False)])``.

    The module sees plain answers: of predictions and references the value of the first of :data:`ANSWERS` that the
    references have. Labels become ids where the module takes integers, sets of labels 0 or 1 for each label; of several
    targets it sees the first where it takes a single one. No interval is made: it would call the module 1,000 times.

    Args:
        module: name on the hub, path of a script or of its folder, or a module loaded with ``evaluate.load``.
        scores: those to keep, with their meaning; none: every number that the module gives.
        labels: in the order of their ids; none: those that occur, in alphabetical order.
        arguments: for the module's ``compute``, e.g. ``{"average": "macro"}``.
        trust_remote_code: whether code of a module that is named on the hub may be run.
    """

    resamples = False

    def __init__(
        self,
        module: Any,
        scores: Sequence[Score] = (),
        labels: Sequence[str] = (),
        arguments: Mapping[str, Any] | None = None,
        *,
        trust_remote_code: bool = False,
    ) -> None:
        self.scores, self._trusted = tuple(scores), trust_remote_code
        self._given, self._labels, self._arguments = module, list(labels), dict(arguments or {})

    @cached_property
    def module(self) -> Any:
        """The module, loaded at its first use.

        Raises:
            RequestError: it cannot be loaded, or its code is not trusted.
        """
        if not isinstance(self._given, str):
            return self._given
        script = Path(self._given, f"{self._given}.py")
        if os.sep not in self._given and script.is_file():
            raise RequestError(
                f"The evaluate module {self._given!r} is a name of the hub, and a folder of that name with the script "
                f"{script.name} is here; name it './{self._given}' to run this script, or rename the folder."
            )
        if not self._trusted and not _is_on_disk(self._given):
            raise RequestError(
                f"The evaluate module {self._given!r} is Python code from the hub, which is not run without "
                f"{option_name('trust_remote_code', True)}; read it first, or name the path of a script on disk, such "
                f"as './{Path(self._given).name}.py', which needs no such option."
            )
        try:
            return evaluate.load(self._given, keep_in_memory=True)
        except (OSError, ValueError, ImportError) as error:  # not found, no connection, a package it needs
            reason = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
            raise RequestError(f"The evaluate module {self._given!r} cannot be loaded: {reason}") from error

    def statistics(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> list[tuple[Any, Any]]:
        """The plain ``(prediction, reference)`` of each example.

        Raises:
            DataError: unequal numbers of examples, or one without an answer (it is named, from 0).
        """
        check_lengths(predictions, references)
        if not references:
            return []
        key = next((key for key in ANSWERS if key in references[0]), None)
        if key is None:
            found = ", ".join(references[0]) or "no keys"
            raise DataError(f"Example 0 of the references has none of {', '.join(ANSWERS)}; it has {found}.")
        gold = column(references, key, "references")
        other = "text" if key == "targets" and "text" in predictions[0] else key
        answers = column(predictions, other, "predictions")
        if key == "targets" and other == "targets":  # references scored as predictions
            answers = [targets[0] for targets in answers]
        return list(zip(*self._converted(key, answers, gold), strict=True))

    def scorer(self, statistics: Sequence[tuple[Any, Any]]) -> Scorer:
        """The module's numbers, with every pair as often as it counts; NaN without any."""

        def scores(weights: np.ndarray) -> dict[str, float]:
            drawn = [pair for pair, times in zip(statistics, weights, strict=True) for _ in range(int(times))]
            if not drawn:
                return {score.name: float("nan") for score in self.scores}
            predictions, references = zip(*drawn, strict=True)
            found = self.module.compute(predictions=list(predictions), references=list(references), **self._arguments)
            numbers = {name: float(value) for name, value in found.items() if isinstance(value, (Real, np.number))}
            for score in self.scores:
                if not any(map(score.describes, numbers)):
                    raise RequestError(
                        f"The evaluate module gives no number {score.name!r}, only {', '.join(numbers)}."
                    )
            kept = [name for name in numbers if any(score.describes(name) for score in self.scores)]
            return {name: numbers[name] for name in (kept if self.scores else numbers)}

        return scores

    def _converted(self, key: str, answers: list[Any], gold: list[Any]) -> tuple[list[Any], list[Any]]:
        """Answers and references in the types that the module declares."""
        features = self.module.features[0] if isinstance(self.module.features, list) else self.module.features
        wanted = features["references"]
        if _innermost(features["predictions"]).dtype.startswith("int") and key in ("label", "labels", "tags"):
            answers, gold = self._as_ids(key, answers, gold)
        if key == "targets" and isinstance(wanted, datasets.Value):
            gold = [targets[0] for targets in gold]
        elif key == "text" and not isinstance(wanted, datasets.Value):
            gold = [[text] for text in gold]
        return answers, gold

    def _as_ids(self, key: str, answers: list[Any], gold: list[Any]) -> tuple[list[Any], list[Any]]:
        sides = [[[label] if key == "label" else label for label in side] for side in (answers, gold)]
        labels = self._labels or sorted({str(label) for side in sides for row in side for label in row})
        ids = {label: i for i, label in enumerate(labels)}
        unknown = len(ids)  # of a label that the caller's list lacks
        found = [[[ids.get(str(label), unknown) for label in row] for row in side] for side in sides]
        if key == "label":
            return [row[0] for row in found[0]], [row[0] for row in found[1]]
        if key == "labels":
            found = [[[int(i in row) for i in range(len(ids))] for row in side] for side in found]
        return found[0], found[1]


def _is_on_disk(module: str) -> bool:
    """Whether ``evaluate`` takes ``module`` as a path: of a script, or of a folder with a script of the same name."""
    path = Path(module)
    return module.endswith(".py") or path.is_absolute() or (path / f"{path.name}.py").is_file()


def as_evaluate_module(metric: Metric) -> Any:
    """A metric as an ``evaluate.Metric``, e.g. for ``evaluate.combine``; examples are mappings, as the metric's own."""
    return _Module(metric)


class _Module(evaluate.Metric):
    """Examples pass through ``evaluate`` as JSON, so they may have any keys."""

    def __init__(self, metric: Metric, **kwargs: Any) -> None:
        self._metric = metric
        super().__init__(keep_in_memory=True, **kwargs)

    def _info(self) -> evaluate.MetricInfo:
        text = datasets.Value("string")
        return evaluate.MetricInfo(
            description=type(self._metric).__doc__ or "",
            citation="",
            inputs_description="predictions and references: mappings, one per example.",
            features=datasets.Features({"predictions": text, "references": text}),
        )

    def add_batch(self, *, predictions: Any = None, references: Any = None, **kwargs: Any) -> None:
        """Keep examples for a later ``compute``."""
        sides = {"predictions": predictions, "references": references}
        super().add_batch(**{side: _as_json(side, examples) for side, examples in sides.items()}, **kwargs)

    def add(self, *, prediction: Any = None, reference: Any = None, **kwargs: Any) -> None:
        """Keep one example for a later ``compute``."""
        self.add_batch(predictions=[prediction], references=[reference], **kwargs)

    def _compute(self, predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
        return self._metric.compute(list(map(json.loads, predictions)), list(map(json.loads, references)))


def _as_json(side: str, examples: Any) -> list[str]:
    if examples is None:
        raise DataError(f"The metric compares predictions with references; {side} are missing, give both.")
    return [json.dumps(example, default=lambda value: value.tolist()) for example in examples]  # arrays as lists


def _innermost(feature: Any) -> Any:
    """What a possibly nested list holds."""
    while not isinstance(feature, datasets.Value):
        feature = feature[0] if isinstance(feature, list) else feature.feature
    return feature

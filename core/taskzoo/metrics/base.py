"""Corpus metrics from per-example statistics, in two forms.

Many corpus scores (span F1, accuracy, BLEU) are functions of sums over examples: :class:`CorpusMetric`. Others
(ROC AUC, rank correlation) are not, or their sums would be huge: :class:`WeightedMetric`. Both give the score, its
bootstrap interval and a paired comparison of two runs from the statistics alone.
The classes are ``evaluate`` modules, so they also work alone: ``SpanF1().compute(predictions=..., references=...)``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import evaluate
import numpy as np

from taskzoo.errors import DataError
from taskzoo.task import Metric

Scorer = Callable[[np.ndarray], dict[str, float]]
"""Named scores from weights of shape ``[examples]``: how often each example counts."""


def scorer(metric: Metric, statistics: np.ndarray) -> Scorer:
    """The scores of ``metric`` as a function of weights, for a metric of either form.

    What depends on the statistics alone, such as sorting, is done once, so many weightings are cheap.
    """
    form: Any = metric
    if isinstance(metric, WeightedMetric):
        return metric.scorer(statistics)
    if hasattr(metric, "weighted_scores"):
        return partial(form.weighted_scores, statistics)
    return lambda weights: form.scores(weights @ statistics)


def score_with(metric: Metric, statistics: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """The scores when example ``i`` counts ``weights[i]`` times; all ones give the score of the data itself."""
    return scorer(metric, statistics)(weights)


class OfflineMetric(evaluate.Metric):
    """What both forms share: no network, no cache files, and examples with more keys than the features declare.

    An example may lack a declared key that begins with ``_``: it is then an empty list or string, or ``None``.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("keep_in_memory", True)
        super().__init__(**kwargs)

    @abstractmethod
    def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
        """Shape ``[examples, k]``, float64; the line of an example depends on no other example."""

    def details(self, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, Any]:
        """Nothing further by default."""
        return {}

    def add_batch(self, *, predictions: Any = None, references: Any = None, **kwargs: Any) -> None:
        """Keep examples for a later :meth:`compute`.

        Raises:
            DataError: predictions or references are missing, or an example lacks a key.
        """
        if predictions is None or references is None:
            raise DataError(f"{type(self).__name__} compares predictions with references; give both.")
        both = {"predictions": predictions, "references": references}
        super().add_batch(**{side: self._declared(side, examples) for side, examples in both.items()}, **kwargs)

    def add(self, *, prediction: Any = None, reference: Any = None, **kwargs: Any) -> None:
        """Keep one example for a later :meth:`compute`."""
        further = {name: [value] for name, value in kwargs.items()}
        self.add_batch(predictions=[prediction], references=[reference], **further)

    def _declared(self, side: str, examples: Any) -> Any:
        """The keys that count; ``evaluate`` fails with a bare ``KeyError`` on others."""
        features = self.features[side] if isinstance(self.features, Mapping) else None
        if not isinstance(features, Mapping):
            return examples
        columns = {key: column(examples, key, side) for key in features if not key.startswith("_")}
        optional = {}
        for key in (key for key in features if key.startswith("_")):
            found = [example.get(key) for example in examples]
            optional[key] = [_missing(features[key]) if value is None else value for value in found]
        columns = {key: [_kept(features[key], value) for value in {**columns, **optional}[key]] for key in features}
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]

    def _build_data_dir(self) -> str:
        if not self.keep_in_memory:
            return str(super()._build_data_dir())
        return str(self._data_dir_root)  # examples stay in memory, so no folder is made

    def _compute(self, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
        statistics = self.statistics(predictions, references)
        return score_with(self, statistics, np.ones(len(statistics)))


class CorpusMetric(OfflineMetric):
    """Base of metrics whose score depends on summed statistics. Subclasses give ``_info``, ``statistics``, ``scores``.

    It needs no network and leaves no cache files: examples are kept in memory.
    """

    @abstractmethod
    def scores(self, total: np.ndarray) -> dict[str, float]:
        """Scores from summed statistics of shape ``[k]``."""


class WeightedMetric(OfflineMetric):
    """Base of metrics whose score is no function of sums, or of too many.

    Subclasses give ``_info``, ``statistics`` and ``weighted_scores``; and :meth:`scorer` where something, such as
    sorting, can be done once for many weightings.
    """

    @abstractmethod
    def weighted_scores(self, statistics: np.ndarray, weights: np.ndarray) -> dict[str, float]:
        """Scores from statistics ``[examples, k]`` when example ``i`` counts ``weights[i]`` times; NaN: undefined."""

    def scorer(self, statistics: np.ndarray) -> Scorer:
        """:meth:`weighted_scores` of these statistics as a function of weights."""
        return partial(self.weighted_scores, statistics)


def _inner(feature: Any) -> Any:
    """What a list holds; ``None`` for a feature that is no list."""
    return feature[0] if isinstance(feature, list) else getattr(feature, "feature", None)


def _missing(feature: Any) -> Any:
    """What stands for a value that is not there; ``evaluate`` fails on ``None`` for a string."""
    return [] if _inner(feature) is not None else "" if getattr(feature, "dtype", "") == "string" else None


def _kept(feature: Any, value: Any) -> Any:
    """``value`` without the keys that ``feature`` does not declare, also inside lists."""
    inner = _inner(feature)
    if inner is not None and isinstance(value, (list, tuple)):
        return [_kept(inner, item) for item in value]
    if isinstance(feature, Mapping) and isinstance(value, Mapping):
        return {key: _kept(part, value[key]) for key, part in feature.items() if key in value}
    return value


def column(examples: Sequence[Mapping[str, Any]], key: str, side: str) -> list[Any]:
    """The value of ``key`` in every example; ``side`` is ``"predictions"`` or ``"references"``.

    Raises:
        DataError: an example lacks it; the example is named, from 0.
    """
    for index, example in enumerate(examples):
        if key not in example:
            raise DataError(f"Example {index} of the {side} has no {key!r}; it has {', '.join(example) or 'no keys'}.")
    return [example[key] for example in examples]


def check_lengths(predictions: Sequence[Any], references: Sequence[Any]) -> None:
    """Refuse unequal numbers of predictions and references with a :class:`DataError`."""
    if len(predictions) != len(references):
        raise DataError(f"There are {len(predictions)} predictions for {len(references)} references.")


def check_finite(statistics: np.ndarray, what: str) -> None:
    """Refuse statistics with NaN or infinity with a :class:`DataError` that names the first example, from 0."""
    bad = np.flatnonzero(~np.isfinite(statistics).all(axis=1))
    if len(bad):
        raise DataError(f"Example {bad[0]} has {what} that are not finite numbers ({len(bad)} such examples).")


def ratio(part: float, whole: float) -> float:
    """``part / whole``; NaN, that is undefined, without anything to divide by."""
    return float(part / whole) if whole else float("nan")

"""Scores that are functions of sums over examples, and checks that metrics share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from taskzoo.errors import DataError
from taskzoo.types import Metric, Prediction, Scorer


class CorpusMetric(Metric):
    """The short form of a metric for scores that depend on summed statistics alone: span F1, accuracy, BLEU, ...

    Subclasses give :meth:`statistics`, one row for each unit, and :meth:`from_sums`. Other metrics (ROC AUC, rank
    correlation, a ranking for each query) derive from :class:`taskzoo.types.Metric` and write ``scorer``.
    """

    @abstractmethod
    def statistics(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> np.ndarray:
        """Shape ``[units, k]``, float64; the row of a unit depends on no other unit."""

    @abstractmethod
    def from_sums(self, total: np.ndarray) -> dict[str, float]:
        """Scores from summed statistics of shape ``[k]``."""

    def scorer(self, statistics: np.ndarray) -> Scorer:
        """:meth:`from_sums` of the weighted sums."""
        return lambda weights: self.from_sums(weights @ statistics)


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

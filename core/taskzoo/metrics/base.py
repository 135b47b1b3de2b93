"""Corpus metrics as additive per-example statistics.

A corpus score such as span F1, accuracy or BLEU is a function of sums over examples. Keeping the summands gives
the score, its bootstrap interval and a paired comparison of two runs without storing anything else.
The classes are ``evaluate`` modules, so they also work alone: ``SpanF1().compute(predictions=..., references=...)``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import evaluate
import numpy as np


class CorpusMetric(evaluate.Metric):
    """Base of metrics whose score depends on summed statistics. Subclasses give ``_info``, ``statistics``, ``scores``.

    It needs no network and leaves no cache files: examples are kept in memory.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("keep_in_memory", True)
        super().__init__(**kwargs)

    @abstractmethod
    def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
        """Shape ``[examples, k]``, float64."""

    @abstractmethod
    def scores(self, total: np.ndarray) -> dict[str, float]:
        """Scores from summed statistics of shape ``[k]``."""

    def details(self, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, Any]:
        """Nothing further by default."""
        return {}

    def _build_data_dir(self) -> str:
        if not self.keep_in_memory:
            return str(super()._build_data_dir())
        return str(self._data_dir_root)  # examples stay in memory, so no folder is made

    def _compute(self, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
        return self.scores(self.statistics(predictions, references).sum(axis=0))

"""Perplexity of answers, and how many generated answers are right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from taskzoo import Score
from taskzoo.metrics.base import CorpusMetric
from taskzoo.metrics.pairs import text_pairs
from taskzoo.metrics.translation import TranslationScores


class Perplexity(CorpusMetric):
    """``Perplexity().compute([{"nll": 2.2, "tokens": 2}], [{}])``: the exponential of the mean loss of answer tokens.

    Predictions have ``nll``, the summed negative log-likelihood of the answer in nats, and ``tokens``, their number. A
    reference has neither: it is certain.
    """

    scores = (Score("perplexity", higher_is_better=False, range=(1.0, math.inf)),)

    def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
        """Shape ``[examples, 2]``: nats, tokens."""
        rows = [[prediction.get("nll", 0.0), prediction.get("tokens", 1)] for prediction in predictions]
        return np.array(rows, dtype=np.float64).reshape(-1, 2)

    def from_sums(self, total: np.ndarray) -> dict[str, float]:
        """From summed statistics of shape ``[2]``; more than e**700 is infinite."""
        nats, tokens = total
        mean = nats / tokens if tokens else math.nan
        return {"perplexity": math.exp(mean) if not mean > 700 else math.inf}


class ExactMatch(CorpusMetric):
    """The share of generated answers that are the right one, but for outer spaces."""

    scores = (Score("exact_match"),)

    def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
        """Shape ``[examples, 2]``: right, 1."""
        pairs = text_pairs(predictions, references)
        rows = [[text.strip() in [target.strip() for target in targets], 1.0] for text, targets in pairs]
        return np.array(rows, dtype=np.float64).reshape(-1, 2)

    def from_sums(self, total: np.ndarray) -> dict[str, float]:
        """From summed statistics of shape ``[2]``."""
        return {"exact_match": float(total[0] / total[1]) if total[1] else math.nan}


class ChrF(CorpusMetric):
    """Character n-grams that generated answers share with the right ones (Popović 2015), from 0 to 100."""

    scores = (Score("chrf", range=(0.0, 100.0)),)

    def __init__(self) -> None:
        self._scores = TranslationScores()

    def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
        """As those of the scores of translations, of which the others make little of answers of a few words."""
        return self._scores.statistics(predictions, references)

    def from_sums(self, total: np.ndarray) -> dict[str, float]:
        """From summed statistics."""
        return {"chrf": self._scores.from_sums(total)["chrf"]}

"""Scores of multi-label classification: F1 over decisions, ranking per label, and calibration of the probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taskzoo.errors import DataError
from taskzoo.types import Metric, Prediction, Score, Scorer

from .base import check_finite, check_lengths, column, ratio
from .counts import LabelCounts
from .ranking import Ranking
from .reliability import clipped, gaps, reliability


class MultiLabel(Metric):
    """``MultiLabel(labels).compute(predictions=[{"labels": [...]}], references=[{"labels": [...]}])``.

    Macro averages of precision, recall and F1 are over all ``labels``, also those that are neither gold nor predicted,
    which count as 0, as in scikit-learn; those of ``roc_auc`` and ``average_precision`` over labels that some examples
    have and others lack. All gold labels outside ``labels`` are together one further label that is never predicted;
    ``hamming_loss`` and the scores of probabilities leave it out. ``f1_samples`` of an example with neither gold nor
    predicted labels is 0, as in scikit-learn. A score is NaN where it is undefined: without examples, labels, or
    anything to rank.

    Predictions have ``labels`` and ``_probabilities``, one per label in the order of the labels; where these are
    missing, predicted labels count as having probability 1, the others 0. References have ``labels``.
    ``accuracy`` is exact match (Tsoumakas & Katakis 2007); ``log_loss`` is the mean binary cross-entropy per decision;
    ``ece`` is the expected calibration error in 15 bins of equal width over all decisions (Guo et al. 2017);
    ``f1_micro_at_half`` and ``f1_macro_at_half`` are F1 of the labels with a probability of at least 0.5, whatever was
    predicted.

    Args:
        labels: in the order of ``_probabilities``.
    """

    scores = (
        Score("f1_micro"),
        Score("f1_macro"),
        Score("f1_weighted"),
        Score("precision_micro", empty=0.0),
        Score("precision_macro"),
        Score("recall_micro", empty=0.0),
        Score("recall_macro"),
        Score("f1_samples"),
        Score("accuracy"),
        Score("hamming_loss", higher_is_better=False),
        Score("log_loss", higher_is_better=False, range=(0.0, math.inf), unit="nats"),
        Score("roc_auc_macro"),
        Score("average_precision_macro"),
        Score("ece", higher_is_better=False),
        Score("f1_micro_at_half"),
        Score("f1_macro_at_half"),
    )

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = list(labels)
        self.ids = {label: i for i, label in enumerate(self.labels)}

    by_row = True
    constant_name = "the labels that most rows have"

    def constant(self, references: Sequence[Prediction]) -> Prediction | None:
        """The labels that at least half of the rows have, with the frequencies as probabilities."""
        if not references or not self.labels:
            return None
        shares = self._columns(self.statistics(references, references))[0][:, : len(self.labels)].mean(axis=0)
        return {"labels": [self.labels[i] for i in np.flatnonzero(shares >= 0.5)], "_probabilities": shares}

    def statistics(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> np.ndarray:
        """Shape ``[examples, 3 * labels + 2]``, float64.

        Columns: gold labels and whether there is any outside ``labels`` (0 or 1), predicted labels and the same,
        probabilities.

        Raises:
            DataError: unequal numbers of examples, or an example without labels or with probabilities that are not
                one finite number per label (it is named, from 0).
        """
        check_lengths(predictions, references)
        size = len(self.labels)
        statistics = np.zeros((len(references), 3 * size + 2))
        gold, predicted, probabilities = self._columns(statistics)
        for side, examples, target in (("references", references, gold), ("predictions", predictions, predicted)):
            for index, labels in enumerate(column(examples, "labels", side)):
                target[index, [self.ids.get(label, size) for label in labels]] = 1
        probabilities[:] = predicted[:, :size]
        for index, prediction in enumerate(predictions):
            given = prediction.get("_probabilities")
            if given is None or (size and not len(given)):
                continue
            if len(given) != size:
                raise DataError(
                    f"Example {index} has {len(given)} probabilities for {size} labels; it needs one for each."
                )
            probabilities[index] = given
        check_finite(statistics, "probabilities")
        return statistics

    def scorer(self, statistics: np.ndarray) -> Scorer:
        """All scores; sorts once per label."""
        size = len(self.labels)
        gold, predicted, probabilities = self._columns(statistics)
        truth, chosen = gold[:, :size], predicted[:, :size]
        halves = np.zeros(predicted.shape)
        halves[:, :size] = probabilities >= 0.5
        counts, counts_at_half = _counter(gold, predicted), _counter(gold, halves)
        ranking = Ranking(probabilities, truth > 0)

        right, both = (truth * chosen).sum(axis=1), (gold.sum(axis=1) + predicted.sum(axis=1))
        entropy = -np.where(truth > 0, np.log(clipped(probabilities)), np.log1p(-clipped(probabilities)))
        # averages over examples
        means = {
            "f1_samples": np.divide(2 * right, both, out=np.zeros(len(right)), where=both > 0),
            "accuracy": (2 * right == both).astype(np.float64),
            "hamming_loss": (truth != chosen).sum(axis=1) / max(size, 1),
            "log_loss": entropy.sum(axis=1) / max(size, 1),
        }
        calibration = gaps(probabilities, truth) / max(size, 1)
        columns = np.column_stack([*means.values(), calibration])

        def scores(weights: np.ndarray) -> dict[str, float]:
            total = float(weights.sum())
            found = counts(weights)
            precision, recall, f1 = found.micro()
            at_half = counts_at_half(weights)
            sums = weights @ columns
            area, average = ranking(weights)
            return {
                "f1_micro": f1,
                "f1_macro": found.macro(found.f1, size),
                "f1_weighted": found.weighted(found.f1),
                "precision_micro": precision,
                "precision_macro": found.macro(found.precision, size),
                "recall_micro": recall,
                "recall_macro": found.macro(found.recall, size),
                **{name: ratio(value, total) for name, value in zip(means, sums[: len(means)], strict=True)},
                "roc_auc_macro": _mean_of_defined(area),
                "average_precision_macro": _mean_of_defined(average),
                "ece": ratio(float(np.abs(sums[len(means) :]).sum()), total),
                "f1_micro_at_half": at_half.micro()[2],
                "f1_macro_at_half": at_half.macro(at_half.f1, size),
            }

        return scores

    def details(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> dict[str, Any]:
        """``per_label``, ``calibration`` and ``found``: how many labels are predicted and gold in all.

        ``per_label``: ``{label: {"precision", "recall", "f1", "support", "average_precision"}}`` in the order of
        ``labels``; average precision depends on no threshold, and is ``None`` for a label that all or no examples have.
        ``calibration``: the reliability bins that hold any decision, ``[{"low", "high", "count", "confidence",
        "accuracy"}]``, where accuracy is the share of decisions whose label is gold.

        Raises:
            DataError: as :meth:`statistics`.
        """
        statistics = self.statistics(predictions, references)
        gold, predicted, probabilities = self._columns(statistics)
        truth = gold[:, : len(self.labels)]
        ones = np.ones(len(statistics))
        counts = _counter(gold, predicted)(ones)
        average = Ranking(probabilities, truth > 0)(ones)[1]
        return {
            "per_label": {
                label: {
                    "precision": float(counts.precision[i]),
                    "recall": float(counts.recall[i]),
                    "f1": float(counts.f1[i]),
                    "support": int(counts.gold[i]),
                    "average_precision": None if np.isnan(average[i]) else float(average[i]),
                }
                for i, label in enumerate(self.labels)
            },
            "calibration": reliability(probabilities, truth),
            "found": {"what": "labels", "predicted": int(predicted.sum()), "gold": int(gold.sum())},
        }

    def _columns(self, statistics: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Gold and predicted, ``[examples, labels + 1]``, and probabilities, ``[examples, labels]``, as views."""
        size = len(self.labels) + 1
        return statistics[:, :size], statistics[:, size : 2 * size], statistics[:, 2 * size :]


def _counter(gold: np.ndarray, predicted: np.ndarray) -> Callable[[np.ndarray], LabelCounts]:
    """Weighted counts per label; the last column, labels outside the known ones, is never right."""
    size = gold.shape[1]
    right = gold * predicted
    right[:, -1] = 0
    cells = [np.nonzero(matrix) for matrix in (right, predicted, gold)]  # few of many

    def count(weights: np.ndarray) -> LabelCounts:
        return LabelCounts(*(np.bincount(label, weights[row], minlength=size) for row, label in cells))

    return count


def _mean_of_defined(values: np.ndarray) -> float:
    defined = values[~np.isnan(values)]
    return ratio(defined.sum(), len(defined))

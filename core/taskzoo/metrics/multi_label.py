"""Scores of multi-label classification: F1 over decisions, ranking per label, and calibration of the probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import datasets
import evaluate
import numpy as np

from taskzoo.errors import DataError

from .base import Scorer, WeightedMetric, check_finite, check_lengths, column, ratio
from .counts import LabelCounts
from .ranking import Ranking
from .reliability import clipped, gaps, reliability

_DESCRIPTION = """\
Micro-, macro-, weighted and example-based F1, exact match and Hamming loss (Tsoumakas & Katakis 2007), area under the
ROC curve and average precision per label, log loss and expected calibration error (Guo et al. 2017) of multi-label
classification."""

_CITATION = """\
@article{tsoumakas2007multi,
  title = {Multi-Label Classification: An Overview},
  author = {Tsoumakas, Grigorios and Katakis, Ioannis},
  journal = {International Journal of Data Warehousing and Mining},
  volume = {3},
  number = {3},
  pages = {1--13},
  year = {2007}
}
@inproceedings{guo2017calibration,
  title = {On Calibration of Modern Neural Networks},
  author = {Guo, Chuan and Pleiss, Geoff and Sun, Yu and Weinberger, Kilian Q.},
  booktitle = {Proceedings of the 34th International Conference on Machine Learning},
  pages = {1321--1330},
  year = {2017}
}"""

_INPUTS = """
Args:
    predictions: one dict per example: "labels", a list, and "_probabilities", one per label in the order of the
        labels. Where "_probabilities" are missing, predicted labels count as having probability 1, the others 0.
        Further keys are ignored.
    references: one dict per example: "labels". A gold label that is none of the labels always counts as missed.

Returns:
    f1_micro, f1_macro, f1_weighted, f1_samples, precision_micro, precision_macro, recall_micro, recall_macro,
    accuracy (exact match), hamming_loss, roc_auc_macro, average_precision_macro, log_loss (mean binary cross-entropy
    per decision, in nats), ece (15 bins of equal width over the probabilities of all decisions), f1_micro_at_half and
    f1_macro_at_half (F1 of the labels with a probability of at least 0.5, whatever was predicted).
"""


class MultiLabel(WeightedMetric):
    """``MultiLabel(labels).compute(predictions=[{"labels": [...]}], references=[{"labels": [...]}])``.

    Macro averages of precision, recall and F1 are over the labels that occur in gold or predictions; those of
    ``roc_auc`` and ``average_precision`` over labels that some examples have and others lack. All gold labels outside
    ``labels`` are together one further label that is never predicted; ``hamming_loss`` and the scores of probabilities
    leave it out. ``f1_samples`` of an example with neither gold nor predicted labels is 0, as in scikit-learn.
    A score is NaN where it is undefined: without examples, labels, or anything to rank.

    Args:
        labels: in the order of ``_probabilities``.
        **kwargs: of ``evaluate.Metric``.
    """

    def __init__(self, labels: Sequence[str], **kwargs: Any) -> None:
        self.labels = list(labels)
        self.ids = {label: i for i, label in enumerate(self.labels)}
        super().__init__(**kwargs)

    def _info(self) -> evaluate.MetricInfo:
        labels, probabilities = [datasets.Value("string")], [datasets.Value("float64")]
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_INPUTS,
            features=datasets.Features(
                {"predictions": {"labels": labels, "_probabilities": probabilities}, "references": {"labels": labels}}
            ),
            reference_urls=["https://proceedings.mlr.press/v70/guo17a.html"],
        )

    def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
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

    def weighted_scores(self, statistics: np.ndarray, weights: np.ndarray) -> dict[str, float]:
        """All scores when example ``i`` counts ``weights[i]`` times."""
        return self.scorer(statistics)(weights)

    def scorer(self, statistics: np.ndarray) -> Scorer:
        """:meth:`weighted_scores` of these statistics; sorts once per label."""
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
                "f1_macro": found.macro(found.f1),
                "f1_weighted": found.weighted(found.f1),
                "precision_micro": precision,
                "precision_macro": found.macro(found.precision),
                "recall_micro": recall,
                "recall_macro": found.macro(found.recall),
                **{name: ratio(value, total) for name, value in zip(means, sums[: len(means)], strict=True)},
                "roc_auc_macro": _mean_of_defined(area),
                "average_precision_macro": _mean_of_defined(average),
                "ece": ratio(float(np.abs(sums[len(means) :]).sum()), total),
                "f1_micro_at_half": at_half.micro()[2],
                "f1_macro_at_half": at_half.macro(at_half.f1),
            }

        return scores

    def details(self, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, Any]:
        """``per_label`` and ``calibration``.

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

"""Scores of single-label classification: accuracy, F1, correlation, calibration, and levels of a hierarchy."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from taskzoo.errors import DataError
from taskzoo.types import Metric, Prediction, Score, Scorer

from .base import check_finite, check_lengths, column, ratio
from .counts import LabelCounts
from .ranking import Ranking
from .reliability import clipped, gaps, reliability

CONFUSIONS = 20
CONFIDENCES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


class SingleLabel(Metric):
    """``SingleLabel(labels).compute(predictions=[{"label": ...}], references=[{"label": ...}])``.

    Macro averages are over the labels that occur in gold or predictions, and a ratio with nothing to count is 0, as in
    scikit-learn. All gold labels outside ``labels`` are together one further label that is never predicted; it has no
    probability, so ``log_loss`` and ``roc_auc`` leave it out. ``mcc`` is 0 when gold or predictions are constant.
    A score is NaN where it is undefined: all without examples, ``roc_auc`` with one kind of gold.

    Predictions have ``label`` and ``_probabilities``, one per label in the order of the labels; where these are
    missing, the predicted label counts as having probability 1. References have ``label``.
    ``mcc`` is the multi-class correlation coefficient (Gorodkin 2004); ``log_loss`` clips probabilities to float32
    precision; ``ece`` is the expected calibration error in 15 bins of equal width (Guo et al. 2017); ``precision``,
    ``recall``, ``f1`` and ``roc_auc`` are those of the second of two labels; ``f1_hierarchical`` is of Kiritchenko et
    al. (2006).

    Args:
        labels: in the order of ``_probabilities``.
        hierarchy: what separates the levels of a label, e.g. ``"/"`` in ``"science/physics"``; empty: no levels.
            ``accuracy_level2`` is the share of examples whose first two levels are right. ``f1_hierarchical`` is the
            micro-averaged F1 over labels together with their ancestors, without the root.
    """

    scores = (
        Score("accuracy"),
        Score("precision_macro"),
        Score("recall_macro"),
        Score("f1_macro"),
        Score("f1_micro"),
        Score("f1_weighted"),
        Score("mcc", range=(-1.0, 1.0)),
        Score("log_loss", higher_is_better=False, range=(0.0, math.inf), unit="nats"),
        Score("ece", higher_is_better=False),
        Score("precision", empty=0.0),
        Score("recall", empty=0.0),
        Score("f1", empty=0.0),
        Score("roc_auc"),
        Score("accuracy_level*"),
        Score("f1_hierarchical"),
    )

    def __init__(self, labels: Sequence[str], hierarchy: str = "") -> None:
        self.labels = list(labels)
        self.ids = {label: i for i, label in enumerate(self.labels)}
        self.hierarchy = hierarchy
        self.levels = max((len(self._path(label)) for label in self.labels), default=0)

    by_row = True
    constant_name = "the most frequent label"

    def constant(self, references: Sequence[Prediction]) -> Prediction | None:
        """The most frequent label, with the frequencies of all labels as probabilities."""
        counts = Counter(column(references, "label", "references"))
        if not counts.keys() & self.ids.keys():
            return None
        shares = np.array([counts[label] for label in self.labels], dtype=np.float64)
        return {"label": self.labels[int(shares.argmax())], "_probabilities": shares / shares.sum()}

    def statistics(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> np.ndarray:
        """Shape ``[examples, 5]``, with a hierarchy ``[examples, 8]``, float64.

        Columns: id of the gold label, id of the predicted label (-1: none of the labels); probability of the gold
        label (0 for -1), of the predicted label, and of the second label. With a hierarchy: the number of first levels
        that are right, the levels of the prediction and of gold.

        Raises:
            DataError: unequal numbers of examples, or an example without a label or with probabilities that are not
                one finite number per label (it is named, from 0).
        """
        check_lengths(predictions, references)
        guesses, truths = column(predictions, "label", "predictions"), column(references, "label", "references")
        rows = []
        for index, (guess, truth) in enumerate(zip(guesses, truths, strict=True)):
            predicted, gold = self.ids.get(guess, -1), self.ids.get(truth, -1)
            probabilities = self._probabilities(index, predictions[index].get("_probabilities"), predicted, gold)
            depths = self._depths(guess if predicted >= 0 else None, truth) if self.hierarchy else ()
            rows.append([gold, predicted, *probabilities, *depths])
        statistics = np.asarray(rows, dtype=np.float64).reshape(-1, 8 if self.hierarchy else 5)
        check_finite(statistics, "probabilities")
        return statistics

    def scorer(self, statistics: np.ndarray) -> Scorer:
        """All scores in time linear in examples and labels; sorts once."""
        size = len(self.labels)
        gold, predicted = statistics[:, 0].astype(np.intp), statistics[:, 1].astype(np.intp)
        known = gold >= 0
        right = known & (gold == predicted)
        hits = gold[right]
        gold, predicted = np.where(known, gold, size), np.where(predicted >= 0, predicted, size + 1)
        loss = -np.log(clipped(statistics[known, 2]))
        calibration = gaps(statistics[:, 3:4], right[:, None])
        ranking = Ranking(statistics[known, 4:5], gold[known, None] == 1) if size == 2 else None
        common, depth, gold_depth = statistics[:, 5:].T if self.hierarchy else np.zeros((3, len(statistics)))
        to_level = [(common >= level) | right for level in range(1, self.levels + 1)]

        def scores(weights: np.ndarray) -> dict[str, float]:
            total = float(weights.sum())
            counts = LabelCounts(
                np.bincount(hits, weights[right], minlength=size + 2),
                np.bincount(predicted, weights, minlength=size + 2),
                np.bincount(gold, weights, minlength=size + 2),
            )
            accuracy = ratio(counts.right.sum(), total)
            found = {
                "accuracy": accuracy,
                "precision_macro": counts.macro(counts.precision),
                "recall_macro": counts.macro(counts.recall),
                "f1_macro": counts.macro(counts.f1),
                "f1_micro": accuracy,
                "f1_weighted": counts.weighted(counts.f1),
                "mcc": _correlation(counts),
                "log_loss": ratio(float(weights[known] @ loss), float(weights[known].sum())),
                "ece": ratio(float(np.abs(weights @ calibration).sum()), total),
            }
            if ranking is not None:
                true, chosen, positive = (float(count[1]) for count in (counts.right, counts.predicted, counts.gold))
                found["precision"], found["recall"] = ratio(true, chosen), ratio(true, positive)
                found["f1"] = ratio(2 * true, chosen + positive)
                found["roc_auc"] = float(ranking(weights[known])[0][0])
            if self.hierarchy:
                for level, reached in enumerate(to_level, 1):
                    found[f"accuracy_level{level}"] = ratio(weights @ reached, total)
                found["f1_hierarchical"] = ratio(2 * float(weights @ common), float(weights @ (depth + gold_depth)))
            return found

        return scores

    def details(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> dict[str, Any]:
        """What the scores hide.

        ``per_label``: ``{label: {"precision", "recall", "f1", "support"}}`` of the labels that occur, those outside
        ``labels`` last. ``confusion``: the 20 most frequent errors, ``[{"gold", "predicted", "count"}]``.
        ``abstention``: what answering only above a confidence would give, ``[{"min_confidence", "coverage",
        "accuracy"}]``, accuracy ``None`` when nothing is that sure. ``calibration``: the reliability bins that hold
        any example, ``[{"low", "high", "count", "confidence", "accuracy"}]``.

        Raises:
            DataError: as :meth:`statistics`.
        """
        statistics = self.statistics(predictions, references)
        right = (statistics[:, 0] == statistics[:, 1]) & (statistics[:, 0] >= 0)
        confidence = statistics[:, 3]
        gold, predicted = [r["label"] for r in references], [p["label"] for p in predictions]
        errors = Counter((g, p) for g, p, good in zip(gold, predicted, right, strict=True) if not good)
        return {
            "per_label": self._per_label(gold, predicted, right),
            "confusion": [
                {"gold": g, "predicted": p, "count": count}
                for (g, p), count in sorted(errors.items(), key=lambda item: (-item[1], item[0]))[:CONFUSIONS]
            ],
            "abstention": [_abstention(least, confidence >= least, right) for least in CONFIDENCES],
            "calibration": reliability(confidence, right),
        }

    def _per_label(self, gold: list[str], predicted: list[str], right: np.ndarray) -> dict[str, dict[str, float]]:
        counters = (Counter(np.asarray(gold, dtype=object)[right]), Counter(predicted), Counter(gold))
        occurs = counters[1] | counters[2]
        names = [*(n for n in self.labels if n in occurs), *sorted(n for n in occurs if n not in self.ids)]
        counts = LabelCounts(*(np.array([counter[name] for name in names], dtype=np.float64) for counter in counters))
        return {
            name: {
                "precision": float(precision),
                "recall": float(recall),
                "f1": float(f1),
                "support": counters[2][name],
            }
            for name, precision, recall, f1 in zip(names, counts.precision, counts.recall, counts.f1, strict=True)
        }

    def _probabilities(self, index: int, given: Any, predicted: int, gold: int) -> tuple[float, float, float]:
        """Of the gold label, of the predicted one, and of the second of all labels."""
        if given is None or not len(given):
            return float(predicted == gold >= 0), 1.0, float(predicted == 1)
        if len(given) != len(self.labels):
            raise DataError(
                f"Example {index} has {len(given)} probabilities for {len(self.labels)} labels; it needs one for each."
            )
        second = given[1] if len(given) > 1 else 0.0
        return given[gold] if gold >= 0 else 0.0, given[predicted] if predicted >= 0 else 1.0, second

    def _path(self, label: str) -> list[str]:
        return label.split(self.hierarchy) if self.hierarchy else [label]

    def _depths(self, predicted: str | None, gold: str) -> tuple[int, int, int]:
        """Levels in common from the top, levels of the prediction (none if it is no known label), levels of gold."""
        guess, truth = self._path(predicted) if predicted is not None else [], self._path(gold)
        common = 0
        for one, two in zip(guess, truth, strict=False):
            if one != two:
                break
            common += 1
        return common, len(guess), len(truth)


def _correlation(counts: LabelCounts) -> float:
    """Gorodkin's R_K, the Matthews correlation coefficient for two labels; 0 if gold or predictions are constant."""
    total = counts.gold.sum()
    if not total:
        return float("nan")
    spread = (total**2 - counts.predicted @ counts.predicted) * (total**2 - counts.gold @ counts.gold)
    covariance = counts.right.sum() * total - counts.predicted @ counts.gold
    return float(covariance / np.sqrt(spread)) if spread > 0 else 0.0


def _abstention(least: float, answered: np.ndarray, right: np.ndarray) -> dict[str, float | None]:
    accuracy = float(right[answered].mean()) if answered.any() else None
    coverage = float(answered.mean()) if len(answered) else 0.0
    return {"min_confidence": least, "coverage": coverage, "accuracy": accuracy}

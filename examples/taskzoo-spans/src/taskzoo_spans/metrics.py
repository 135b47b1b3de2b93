"""Precision, recall and F1 of spans, each with its label, that may overlap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from taskzoo import Score
from taskzoo.metrics.base import CorpusMetric, check_lengths, column, ratio
from taskzoo.metrics.counts import LabelCounts
from taskzoo.types import Prediction

Entity = tuple[int, int, str]


class SpanScores(CorpusMetric):
    """``SpanScores(["PER"]).compute([{"entities": [...]}], [{"entities": [...]}])``.

    Predictions and references have ``entities``: lists of ``{"start", "end", "label"}``. A span counts if start, end
    and label are exactly right; given twice, it counts once. ``f1``, ``precision`` and ``recall`` are of all spans
    together, ``f1_macro`` and the like the means over the labels that are gold or predicted; labels that are not among
    ``labels`` count as one. ``inner_recall`` is the recall of the gold spans that share a character with another one.
    Scores are undefined where nothing is gold and nothing predicted.

    Args:
        labels: those that are looked for.
    """

    scores = tuple(
        map(Score, ("f1", "precision", "recall", "f1_macro", "precision_macro", "recall_macro", "inner_recall"))
    )

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = list(labels)

    def statistics(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> np.ndarray:
        """Shape ``[examples, 3 * (labels + 1) + 2]``: right, predicted, gold per label; right and all inner spans."""
        check_lengths(predictions, references)
        index = {label: i for i, label in enumerate(self._labels)}
        rows = np.zeros((len(predictions), 3, len(index) + 1))
        inner = np.zeros((len(predictions), 2))
        both = zip(
            column(predictions, "entities", "predictions"), column(references, "entities", "references"), strict=True
        )
        for row, (predicted, gold) in enumerate(both):
            found, wanted = _entities(predicted), _entities(gold)
            for kind, entities in enumerate((found & wanted, found, wanted)):
                for _, _, label in entities:
                    rows[row, kind, index.get(label, len(index))] += 1
            nested = {one for one in wanted if any(_touch(one, other) for other in wanted - {one})}
            inner[row] = len(nested & found), len(nested)
        return np.concatenate([rows.reshape(len(rows), -1), inner], axis=1)

    def from_sums(self, total: np.ndarray) -> dict[str, float]:
        counts = LabelCounts(*total[:-2].reshape(3, -1))
        precision, recall, f1 = counts.micro()
        micro = {"f1": f1, "precision": precision, "recall": recall}
        macro = {f"{name}_macro": counts.macro(getattr(counts, name)) for name in micro}
        return {**micro, **macro, "inner_recall": ratio(total[-2], total[-1])}

    def details(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> dict[str, Any]:
        """``per_type``: precision, recall, F1 and number of gold spans of each label, by name."""
        labels = sorted({e["label"] for side in (predictions, references) for one in side for e in one["entities"]})
        total = SpanScores(labels).statistics(predictions, references).sum(axis=0)
        counts = LabelCounts(*total[:-2].reshape(3, -1))
        each = zip(labels, counts.precision, counts.recall, counts.f1, counts.gold, strict=False)
        return {
            "per_type": {
                label: {"precision": float(p), "recall": float(r), "f1": float(f), "support": int(n)}
                for label, p, r, f, n in each
            }
        }


def _entities(given: Sequence[Any]) -> set[Entity]:
    return {(entity["start"], entity["end"], entity["label"]) for entity in given}


def _touch(one: Entity, other: Entity) -> bool:
    return one[0] < other[1] and other[0] < one[1]

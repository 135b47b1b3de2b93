"""Whether the scores of entities are true: of those with 0.8, are 80% right?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from taskzoo.metrics.base import CorpusMetric, check_lengths, ratio
from taskzoo.metrics.reliability import BINS, gaps, reliability
from taskzoo.types import Prediction, Score

CONFIDENCES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


class EntityReliability(CorpusMetric):
    """``ece``, the expected calibration error of predicted entities in 15 bins of equal width (Guo et al. 2017).

    An entity is right if offsets and type are. Predictions have ``entities``, each with ``start``, ``end``, ``label``
    and ``score`` (1 where it is missing); references the same without ``score``. NaN where no entity is predicted. It
    says nothing of entities that were not found.
    """

    scores = (Score("ece", higher_is_better=False),)
    by_row = True

    def statistics(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> np.ndarray:
        """Shape ``[examples, 16]``, float64: the sums of truth minus score in each bin, and the predicted entities.

        Raises:
            DataError: unequal numbers of examples.
        """
        rows, confidence, right = _entities(predictions, references)
        sums = np.zeros((len(predictions), BINS + 1))
        np.add.at(sums[:, :BINS], rows, gaps(confidence[:, None], right[:, None]))
        np.add.at(sums[:, BINS], rows, 1.0)
        return sums

    def from_sums(self, total: np.ndarray) -> dict[str, float]:
        """The error from summed statistics of shape ``[16]``."""
        return {"ece": ratio(float(np.abs(total[:BINS]).sum()), total[BINS])}

    def details(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> dict[str, Any]:
        """The bins, and what leaving out entities below a score would give.

        ``calibration``: the bins that hold any entity, ``[{"low", "high", "count", "confidence", "accuracy"}]``.
        ``abstention``: ``[{"min_confidence", "coverage", "precision", "recall"}]``, ``coverage`` the share of predicted
        entities that stay; ``None`` where there is nothing to divide by.

        Raises:
            DataError: as :meth:`statistics`.
        """
        _, confidence, right = _entities(predictions, references)
        gold = sum(len(reference["entities"]) for reference in references)
        abstention = []
        for least in CONFIDENCES:
            kept = confidence >= least
            parts = {"coverage": (kept.sum(), len(kept)), "precision": (right[kept].sum(), kept.sum())}
            parts["recall"] = (right[kept].sum(), gold)
            shares = {name: float(part / whole) if whole else None for name, (part, whole) in parts.items()}
            abstention.append({"min_confidence": least, **shares})
        return {"calibration": reliability(confidence, right), "abstention": abstention}


def _entities(
    predictions: Sequence[Prediction], references: Sequence[Prediction]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each predicted entity its example (from 0), its score, and 1 if it is right."""
    check_lengths(predictions, references)
    rows, confidence, right = [], [], []
    for index, (prediction, reference) in enumerate(zip(predictions, references, strict=True)):
        gold = {(entity["start"], entity["end"], entity["label"]) for entity in reference["entities"]}
        for entity in prediction["entities"]:
            rows.append(index)
            confidence.append(entity.get("score", 1.0))
            right.append((entity["start"], entity["end"], entity["label"]) in gold)
    return np.array(rows, dtype=np.intp), np.array(confidence, dtype=np.float64), np.array(right, dtype=np.float64)

"""How often a predicted number, rounded, is the right whole number, or next to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from taskzoo.types import Prediction, Score

from .base import CorpusMetric, check_finite, check_lengths, column, ratio


class RoundedAccuracy(CorpusMetric):
    """``RoundedAccuracy().compute(predictions=[{"value": 3.8}], references=[{"value": 4}])``; NaN without examples.

    ``accuracy`` is the share of predictions that round to gold (halves are rounded up), ``accuracy_within_one`` that of
    those that round to gold or to a whole number next to it.
    """

    scores = (Score("accuracy"), Score("accuracy_within_one"))
    by_row = True

    def statistics(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> np.ndarray:
        """Right, at most one off, and 1, shape ``[examples, 3]``, float64.

        Raises:
            DataError: unequal numbers of examples, or an example without a finite value (it is named, from 0).
        """
        check_lengths(predictions, references)
        values = [column(predictions, "value", "predictions"), column(references, "value", "references")]
        both = np.array(values, dtype=np.float64).T.reshape(-1, 2)
        check_finite(both, "values")
        off = np.abs(np.floor(both[:, 0] + 0.5) - both[:, 1])
        return np.stack([off == 0, off <= 1, np.ones(len(off))], axis=1).astype(np.float64)

    def from_sums(self, total: np.ndarray) -> dict[str, float]:
        """Both accuracies from summed statistics of shape ``[3]``."""
        return {"accuracy": ratio(total[0], total[2]), "accuracy_within_one": ratio(total[1], total[2])}

"""Sets of labels that hold the right one as often as asked: split conformal prediction.

A label's score of strangeness is 1 minus its probability (LAC: Sadinle, Lei & Wasserman 2019, "Least ambiguous
set-valued classifiers with bounded error levels"). With ``n`` held-out rows and a coverage ``c``, the set of a new row
has every label whose score is at most the ``ceil((n + 1) c)``-th smallest score of the held-out rows' true labels. If
new rows come from where the held-out rows come from, the right label is in the set with a probability of at least ``c``
(Vovk, Gammerman & Shafer 2005; Angelopoulos & Bates 2023, "Conformal prediction: a gentle introduction"), however bad
the model is: then the sets are large. The likeliest label is always in the set, which can only add to the coverage.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from taskzoo.errors import RequestError

KEPT = 1000
"""Scores that are kept of more held-out rows than this; a rank between two of them is rounded up."""
DIGITS = 6
"""Decimals of the scores that are kept, rounded up."""
REPORTED = 0.9
"""The coverage for which a run reports its own sets."""
SLACK = 1e-9
"""What rounding may add to a number that should be whole."""


@dataclass(frozen=True, slots=True)
class LabelSets:
    """Label sets of any coverage, fitted on held-out rows.

    Args:
        rows: their number.
        scores: of their true labels in ascending order: all of them, or :data:`KEPT` at even distances.
    """

    rows: int
    scores: Sequence[float]

    @classmethod
    def fitted(cls, probabilities: np.ndarray, targets: np.ndarray) -> Self:
        """From calibrated probabilities ``[n, L]`` and label ids ``[n]``; a label that the model lacks is below 0.

        Such a row counts as one whose label is in no set.
        """
        rows = len(targets)
        known = np.asarray(targets) >= 0
        of_target = np.asarray(probabilities, dtype=np.float64)[np.arange(rows), np.where(known, targets, 0)]
        strange = np.sort(np.where(known, 1.0 - of_target, 1.0))
        kept = min(rows, KEPT)
        ranks = [-(-(i + 1) * rows // kept) for i in range(kept)]  # rounded up, from 1
        scale = 10**DIGITS
        return cls(rows, [min(1.0, math.ceil(strange[rank - 1] * scale) / scale) for rank in ranks])

    def least_probability(self, coverage: float) -> float:
        """The probability from which a label is in the set; ``coverage`` is between 0 and 1, both excluded.

        Raises:
            RequestError: the held-out rows are too few for this coverage.
        """
        if not self.reaches(coverage):
            raise RequestError(
                f"Label sets with a coverage of {coverage:g} cannot be made from {self.rows} validation rows: it takes "
                f"{math.ceil(coverage / (1 - coverage) - SLACK):,} at least. Ask for less, or train with more of them."
            )
        rank = math.ceil((self.rows + 1) * coverage - SLACK)
        place = -(-rank * len(self.scores) // self.rows) - 1
        return 1.0 - self.scores[place]

    def reaches(self, coverage: float) -> bool:
        """Whether the held-out rows are enough for this coverage."""
        return math.ceil((self.rows + 1) * coverage - SLACK) <= self.rows

    def __call__(self, probabilities: np.ndarray, coverage: float) -> list[list[int]]:
        """The ids of each set, the likeliest first, from calibrated probabilities ``[n, L]``.

        Raises:
            RequestError: as :meth:`least_probability`.
        """
        least = self.least_probability(coverage)
        found = []
        for row in np.asarray(probabilities, dtype=np.float64):
            order = np.argsort(-row, kind="stable")
            found.append(order[: max(1, int((row >= least).sum()))].tolist())
        return found

    def state(self) -> dict[str, Any]:
        """For storage, JSON-serialisable."""
        return {"rows": self.rows, "scores": list(self.scores)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`state`."""
        return cls(int(state["rows"]), [float(score) for score in state["scores"]])

"""What a least confidence costs and gains: precision, recall and coverage for every threshold."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np

from .charts import Axis, Chart, Series
from .markup import percent
from .section import Section

LISTED = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
GRID = np.round(np.arange(0, 1.0001, 0.01), 2)


@dataclass(frozen=True, slots=True)
class Words:
    """What is counted, for people.

    Args:
        decisions: what has a confidence (``rows``).
        precision: the share of the kept that is right.
        recall: the share of the gold that is found; ``""``: is left out, as the next.
        coverage: the share that is kept.
    """

    decisions: str
    precision: str
    recall: str = ""
    coverage: str = ""


@dataclass
class Confidences:
    """Decisions with their confidence, whether they are right, and how many answers gold has.

    ``least`` is the confidence from which all decisions are known.
    """

    confidence: array[float] = field(default_factory=lambda: array("d"))
    right: array[int] = field(default_factory=lambda: array("b"))
    gold: int = 0
    least: float = 0.0

    def add(self, confidence: float, *, right: bool) -> None:
        """A decision."""
        self.confidence.append(confidence)
        self.right.append(right)

    def at(self, thresholds: np.ndarray) -> np.ndarray:
        """Coverage, precision and recall at each threshold, ``[thresholds, 3]``; NaN where nothing is left."""
        confidence, right = np.array(self.confidence), np.array(self.right, dtype=np.float64)
        order = np.argsort(-confidence, kind="stable")
        kept = np.searchsorted(-confidence[order], -thresholds, side="right")  # as many have at least that
        found = np.concatenate([[0.0], np.cumsum(right[order])])[kept]
        with np.errstate(invalid="ignore", divide="ignore"):
            columns = [kept / len(confidence), found / kept, found / np.float64(self.gold)]
        return np.stack(columns, axis=1)

    def section(self, words: Words) -> Section | None:
        """The curve; ``None`` without a confidence to choose by."""
        if not self.confidence or len(set(self.confidence[:1000])) < 2:
            return None
        grid = GRID[self.least <= GRID]
        values = self.at(grid)
        named = [(words.precision, 1), (words.recall, 2), (words.coverage, 0)]
        series = [
            Series(name, [(float(t), float(v)) for t, v in zip(grid, values[:, i], strict=True) if v == v])
            for name, i in named
            if name
        ]
        listed = np.array([threshold for threshold in LISTED if threshold >= self.least])
        columns = [i for name, i in named if name]
        rows = [
            [f"{t:g}", *(percent(float(row[i])) for i in columns)]
            for t, row in zip(listed, self.at(listed), strict=True)
        ]
        chart = Chart(
            *("thresholds", "By confidence threshold", _summary(words, listed, self.at(listed))),
            *(Axis("confidence threshold"), Axis("share", percent=True), series),
            header=["threshold", *(name for name, _ in named if name)],
            rows=rows,
        )
        content = {"chart": chart, "words": words, "least": self.least}
        return Section("thresholds", "Confidence thresholds", "thresholds.html", content)


def _summary(words: Words, listed: np.ndarray, values: np.ndarray) -> str:
    known = [(t, row) for t, row in zip(listed, values, strict=True) if row[1] == row[1]]
    if not known:
        return ""
    threshold, (coverage, precision, recall) = known[len(known) // 2]
    named = ((words.precision, precision), (words.recall, recall), (words.coverage, coverage))
    return f"At {threshold:g}: {', '.join(f'{name} {value:.1%}' for name, value in named if name)}."

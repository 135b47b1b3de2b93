"""Which label was taken for which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .markup import name
from .section import Group, Section
from .top import Top

MATRIX = 12
"""More labels make no matrix: the most frequent errors are listed instead."""
PAIRS = 30
"""Pairs of labels in that list."""
GROUPS, EACH = 60, 5
"""Pairs of labels whose errors are shown, and how many rows of each."""

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Cell:
    """Rows of one gold and one predicted label.

    Args:
        count: how many.
        share: of the rows with that gold label.
        anchor: of the errors in it, ``""`` where none are shown.
        right: whether the labels are the same.
    """

    count: int
    share: float
    anchor: str
    right: bool


class Confusion:
    """Counts of gold and predicted labels, and the surest errors of each pair.

    Args:
        order: the labels in their own order, as far as it is known.
    """

    def __init__(self, order: Iterable[str] = ()) -> None:
        self.counts: Counter[Pair] = Counter()
        self._order = list(order)
        self._errors: dict[Pair, Top] = {}

    def add(self, gold: str, predicted: str, confidence: float, row: int) -> None:
        """A row."""
        pair = (gold, predicted)
        self.counts[pair] += 1
        if gold != predicted:
            self._errors.setdefault(pair, Top(EACH)).add(confidence, row)

    @property
    def labels(self) -> list[str]:
        """All labels that occur."""
        occurring = {label for pair in self.counts for label in pair}
        known = [label for label in self._order if label in occurring]
        return known + sorted(occurring - set(known))

    @property
    def wrong(self) -> list[tuple[Pair, int]]:
        """The errors, the most frequent first."""
        found = [(pair, count) for pair, count in self.counts.items() if pair[0] != pair[1]]
        return sorted(found, key=lambda item: (-item[1], item[0]))

    def groups(self) -> list[Group]:
        """The errors of the most frequent pairs."""
        return [
            Group(f"pair-{i}", f"{name(gold)} → {name(predicted)}", self._errors[gold, predicted].rows(), count)
            for i, ((gold, predicted), count) in enumerate(self.wrong[:GROUPS])
        ]

    def section(self) -> Section | None:
        """The matrix, or the list of pairs; ``None`` without rows."""
        labels = self.labels
        if not labels:
            return None
        anchors = {pair: f"pair-{i}" for i, (pair, _) in enumerate(self.wrong[:GROUPS])}
        totals: Counter[str] = Counter()
        for (gold, _), count in self.counts.items():
            totals[gold] += count
        right = sum(count for (gold, predicted), count in self.counts.items() if gold == predicted)
        content = {"rows": totals.total(), "right": right, "labels": labels, "gold": totals, "kinds": len(self.wrong)}
        if len(labels) <= MATRIX:
            lines = [(gold, [self._cell((gold, label), totals, anchors) for label in labels]) for gold in labels]
            predicted = [sum(self.counts[gold, label] for gold in labels) for label in labels]
            return Section(
                "confusion", "Confusion matrix", "matrix.html", {**content, "lines": lines, "sums": predicted}
            )
        pairs = [(pair, self._cell(pair, totals, anchors)) for pair, _ in self.wrong[:PAIRS]]
        return Section("confusion", "Most frequent confusions", "pairs.html", {**content, "pairs": pairs})

    def _cell(self, pair: Pair, totals: Counter[str], anchors: dict[Pair, str]) -> Cell:
        count = self.counts[pair]
        return Cell(count, count / max(1, totals[pair[0]]), anchors.get(pair, ""), pair[0] == pair[1])


def labels_in_order(per_label: object) -> Sequence[str]:
    """The labels as ``metrics.json`` has them, which is the order of the model."""
    return list(per_label) if isinstance(per_label, dict) else []

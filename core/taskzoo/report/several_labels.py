"""Any number of labels per row."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from .answers import Answer
from .confusion import EACH
from .finished import Finished
from .kind import Kind, is_number, probabilities
from .markup import name
from .section import Group, Section
from .thresholds import Confidences, Words
from .top import Top

WORDS = Words("labels of rows", "precision", "recall")
MOST_LABELS = 30
"""Labels whose errors are listed."""
LONGEST_LIST = 20
MISSED, EXTRA = "missed", "given wrongly"


@dataclass(frozen=True, slots=True)
class Errors:
    """How often a label was missed and given wrongly, with the anchors of such rows."""

    label: str
    missed: int
    extra: int
    anchors: tuple[str, str]


class SeveralLabels(Kind):
    """``{"labels": [...], "scores": {...}}`` against ``{"labels": [...]}``."""

    worst_title = "Rows with the most confident errors"

    def __init__(self, run: Finished) -> None:
        super().__init__(run)
        per_label = run.scores.get("per_label")
        self._labels = len(per_label) if isinstance(per_label, dict) else 0
        self._counts: Counter[tuple[str, str]] = Counter()
        self._rows: dict[tuple[str, str], Top] = {}
        self.confidences = Confidences()

    @staticmethod
    def fits(answer: Answer) -> bool:
        return isinstance(answer.reference.get("labels"), list)

    def add(self, answer: Answer) -> None:
        gold, predicted = labels_of(answer.reference), labels_of(answer.prediction)
        given = answer.prediction.get("scores")
        scores = {label: float(p) for label, p in given.items() if is_number(p)} if isinstance(given, dict) else {}
        wrong = [(label, MISSED, 1 - scores.get(label, 0.0)) for label in gold if label not in predicted]
        wrong += [(label, EXTRA, scores.get(label, 0.0)) for label in predicted if label not in gold]
        self.count(answer, wrong=bool(wrong), badness=max((sure for *_, sure in wrong), default=0.0))
        for label, what, sure in wrong:
            self._counts[label, what] += 1
            self._rows.setdefault((label, what), Top(EACH)).add(sure, answer.row)
        for label, score in scores.items():
            self.confidences.add(score, right=label in gold)
        self.confidences.gold += len(set(gold))
        if len(scores) < self._labels:  # the others are less probable than these
            self.confidences.least = max(self.confidences.least, min(scores.values(), default=1.0))

    def sections(self) -> list[Section]:
        errors = self._errors()
        found = [Section("label-errors", "Labels missed and given wrongly", "label_errors.html", errors)]
        curve = self.confidences.section(WORDS)
        return [*(found if errors else []), *([curve] if curve else [])]

    def groups(self) -> list[Group]:
        return [
            Group(anchor, f"{name(one.label)} {what}", self._rows[one.label, what].rows(), count)
            for one in self._errors()
            for what, count, anchor in zip((MISSED, EXTRA), (one.missed, one.extra), one.anchors, strict=True)
            if count
        ]

    def title(self, answer: Answer) -> str:
        return f"gold {_listed(labels_of(answer.reference))}; predicted {_listed(labels_of(answer.prediction))}"

    def lines(self, answer: Answer) -> list[tuple[str, object]]:
        gold, predicted = labels_of(answer.reference), labels_of(answer.prediction)
        return [
            ("missed", _listed([label for label in gold if label not in predicted], "")),
            ("given wrongly", _listed([label for label in predicted if label not in gold], "")),
            ("probabilities", probabilities(answer.prediction.get("scores"), tuple(gold))),
        ]

    def _errors(self) -> list[Errors]:
        totals: Counter[str] = Counter()
        for (label, _), count in self._counts.items():
            totals[label] += count
        worst = sorted(totals.items(), key=lambda item: (-item[1], item[0]))[:MOST_LABELS]
        return [
            Errors(label, self._counts[label, MISSED], self._counts[label, EXTRA], (f"missed-{i}", f"extra-{i}"))
            for i, (label, _) in enumerate(worst)
        ]


def labels_of(side: object) -> list[str]:
    """The labels of a prediction or a reference."""
    found = side.get("labels") if isinstance(side, dict) else None
    return [str(label) for label in found] if isinstance(found, list) else []


def _listed(labels: list[str], none: str = "none") -> str:
    more = f" and {len(labels) - LONGEST_LIST} more" if len(labels) > LONGEST_LIST else ""
    return ", ".join(map(name, labels[:LONGEST_LIST])) + more or none

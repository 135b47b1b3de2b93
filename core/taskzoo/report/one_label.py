"""One label per row."""

from __future__ import annotations

from .answers import Answer
from .confusion import Confusion, labels_in_order
from .finished import Finished
from .kind import Kind, is_number, probabilities
from .markup import name
from .section import Group, Section
from .thresholds import Confidences, Words

WORDS = Words("rows", "accuracy of the answered rows", coverage="coverage: rows answered")
NONE = "(no label)"


class OneLabel(Kind):
    """``{"label": ..., "score": ..., "scores": {...}}`` against ``{"label": ...}``."""

    def __init__(self, run: Finished) -> None:
        super().__init__(run)
        self.confusion = Confusion(labels_in_order(run.scores.get("per_label")))
        self.confidences = Confidences()

    @staticmethod
    def fits(answer: Answer) -> bool:
        return isinstance(answer.reference.get("label"), str) and "value" not in answer.reference

    def add(self, answer: Answer) -> None:
        gold, predicted, score = gold_label(answer), predicted_label(answer), answer.prediction.get("score")
        sure = float(score) if is_number(score) else 0.0
        self.count(answer, wrong=gold != predicted, badness=sure)
        self.confusion.add(gold, predicted, sure, answer.row)
        if is_number(score):
            self.confidences.add(sure, right=gold == predicted)
        self.confidences.gold += 1

    def sections(self) -> list[Section]:
        found = [self.confusion.section()]
        if len(self.confidences.right) == self.rows:
            found.append(self.confidences.section(WORDS))
        return [section for section in found if section is not None]

    def groups(self) -> list[Group]:
        return self.confusion.groups()

    def title(self, answer: Answer) -> str:
        return f"gold {name(gold_label(answer))}, predicted {name(predicted_label(answer))}"

    def lines(self, answer: Answer) -> list[tuple[str, object]]:
        return [("probabilities", probabilities(answer.prediction.get("scores"), (gold_label(answer),)))]


def gold_label(answer: Answer) -> str:
    """The label of the reference."""
    return str(answer.reference.get("label", NONE))


def predicted_label(answer: Answer) -> str:
    """The predicted label."""
    label = answer.prediction.get("label")
    return NONE if label is None else str(label)

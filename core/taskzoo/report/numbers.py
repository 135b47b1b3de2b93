"""A number per row, which may also have a label: stars."""

from __future__ import annotations

from array import array

from .answers import Answer
from .charts import MOST_POINTS, Axis, Chart, Series
from .confusion import Confusion, labels_in_order
from .finished import Finished
from .kind import Kind, is_number
from .markup import number
from .one_label import gold_label, predicted_label
from .section import Group, Section


class Numbers(Kind):
    """``{"value": ...}`` against ``{"value": ...}``."""

    worst_title = "Largest deviations"

    def __init__(self, run: Finished) -> None:
        super().__init__(run)
        self._gold, self._predicted = array("d"), array("d")
        self.confusion = Confusion(labels_in_order(run.scores.get("per_label")))

    @staticmethod
    def fits(answer: Answer) -> bool:
        return is_number(answer.reference.get("value"))

    def add(self, answer: Answer) -> None:
        gold, predicted = answer.reference.get("value"), answer.prediction.get("value")
        if not is_number(gold) or not is_number(predicted):
            self.count(answer, wrong=True, badness=float("inf"))
            return
        deviation = abs(predicted - gold)
        self.count(answer, wrong=deviation > 0, badness=deviation)
        self._gold.append(float(gold))
        self._predicted.append(float(predicted))
        if "label" in answer.reference:
            self.confusion.add(gold_label(answer), predicted_label(answer), deviation, answer.row)

    def sections(self) -> list[Section]:
        found = [self._scatter(), self.confusion.section()]
        return [section for section in found if section is not None]

    def groups(self) -> list[Group]:
        return self.confusion.groups()

    def title(self, answer: Answer) -> str:
        gold, predicted = answer.reference.get("value"), answer.prediction.get("value")
        deviation = f" ({predicted - gold:+.4g})" if is_number(gold) and is_number(predicted) else ""
        return f"gold {_shown(answer.reference, gold)}, predicted {_shown(answer.prediction, predicted)}{deviation}"

    def lines(self, answer: Answer) -> list[tuple[str, object]]:
        return []

    def _scatter(self) -> Section | None:
        total = len(self._gold)
        if not total:
            return None
        step = max(1, -(-total // MOST_POINTS))
        points = list(zip(self._gold[::step], self._predicted[::step], strict=True))
        both = Axis.around("", [*self._gold, *self._predicted])
        chart = Chart(
            *("scatter", "Gold and predicted", f"{len(points):,} of {total:,} rows. On the line, both are the same."),
            *(Axis("gold", both.low, both.high), Axis("predicted", both.low, both.high)),
            [Series("a row", points, line=False, marks=True)],
            diagonal=True,
            header=("share of the rows", "predicted less gold, at most"),
            rows=[(f"{float(q):.0%}", number(e)) for q, e in self.run.scores.get("error_quantiles", {}).items()],
        )
        return Section("numbers", "Predicted numbers", "charts.html", [chart])


def _shown(side: object, value: object) -> str:
    label = side.get("label") if isinstance(side, dict) else None
    shown = f"{value:.6g}" if is_number(value) else "none"
    return shown if label is None else f"{shown} ({label})"

"""Predictions of any other form, such as a plugin's own: what differs from the reference is shown as it is."""

from __future__ import annotations

import json

from .answers import Answer
from .kind import LONGEST, Kind
from .markup import cut


class Other(Kind):
    """A row is wrong where a value of the reference is not that of the prediction."""

    worst_title = "Rows that differ from their reference"

    @staticmethod
    def fits(answer: Answer) -> bool:
        return True

    def add(self, answer: Answer) -> None:
        shared = [key for key in answer.reference if key in answer.prediction]
        wrong = any(answer.reference[key] != answer.prediction[key] for key in shared)
        self.count(answer, wrong=wrong, badness=0.0)

    def lines(self, answer: Answer) -> list[tuple[str, object]]:
        outputs = {key: value for key, value in answer.prediction.items() if key not in answer.inputs}
        return [("gold", _json(answer.reference)), ("predicted", _json(outputs))]


def _json(value: object) -> object:
    return cut(json.dumps(value, ensure_ascii=False), LONGEST)

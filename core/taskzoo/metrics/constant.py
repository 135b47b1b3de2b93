"""How a model compares with giving one answer to every row."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from taskzoo.types import Metric, Prediction, public


def constant_facts(
    metric: Metric, predictions: Sequence[Prediction], references: Sequence[Prediction]
) -> dict[str, Any]:
    """Which answer is given most often, and what the best constant answer scores; nothing without such an answer.

    ``most_frequent_answer``: ``{"answer", "rows", "gold_rows", "gold_answers"}``, how many predictions and references
    have the answer, and how many different answers the references have. ``constant_answer``: ``{"answer", "gold_rows",
    "name", "scores"}``, those of the metric that are defined.
    """
    if not references or (constant := metric.constant(references)) is None:
        return {}
    names = public(constant).keys()
    given, gold = (Counter(_answers(names, rows)) for rows in (predictions, references))
    (best,) = _answers(names, [constant])
    answer, rows = given.most_common(1)[0]
    scores = metric.compute([constant] * len(references), references)
    return {
        "most_frequent_answer": {
            "answer": json.loads(answer),
            "rows": rows,
            "gold_rows": gold[answer],
            "gold_answers": len(gold),
        },
        "constant_answer": {
            "answer": public(constant),
            "gold_rows": gold[best],
            "name": metric.constant_name,
            "scores": {name: float(value) for name, value in scores.items() if math.isfinite(value)},
        },
    }


def _answers(names: Iterable[str], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The answer of each row as text that is equal for equal answers, whatever the order of several labels."""
    return [json.dumps({name: _ordered(row.get(name)) for name in names}, ensure_ascii=False) for row in rows]


def _ordered(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value

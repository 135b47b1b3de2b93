"""What of a prediction is an answer, in the forms that tasks give predictions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from taskzoo.types import Prediction

ENTITIES, VALUE, TEXT, LABELS, OTHER = "entities", "value", "text", "labels", "other"
"""Forms of predictions."""
_SURE = ("score", "scores")


def form_of(prediction: Mapping[str, Any], inputs: Collection[str]) -> str:
    """The form of a prediction, which repeats the roles in ``inputs``."""
    if "entities" in prediction:
        return ENTITIES
    if "label" in prediction or "labels" in prediction:
        return LABELS
    if isinstance(prediction.get("value"), int | float):
        return VALUE
    return TEXT if isinstance(prediction.get("text"), str) and "text" not in inputs else OTHER


def labels_of(prediction: Mapping[str, Any]) -> frozenset[str]:
    """The labels of a prediction or reference: of the whole, or of its entities."""
    if "entities" in prediction:
        return frozenset(str(entity["label"]) for entity in prediction["entities"] or ())
    if isinstance(prediction.get("labels"), list | tuple):
        return frozenset(map(str, prediction["labels"]))
    return frozenset([prediction["label"]]) if isinstance(prediction.get("label"), str) else frozenset()


def is_nothing(prediction: Mapping[str, Any]) -> bool:
    """Whether a prediction or reference is that there is no entity, or no label."""
    return ("entities" in prediction or "labels" in prediction) and not labels_of(prediction)


def answer_of(prediction: Prediction, inputs: Collection[str]) -> Any:
    """The part that is an answer, comparable by ``==``: without inputs, and without how sure it is."""
    form = form_of(prediction, inputs)
    if form == ENTITIES:
        return frozenset((e["start"], e["end"], e["label"]) for e in prediction["entities"] or ())
    if form == LABELS:
        return labels_of(prediction)
    return _plain({name: value for name, value in prediction.items() if name not in inputs})


def shown_answer(prediction: Prediction, text: str, inputs: Collection[str]) -> str:
    """The answer for people."""
    form = form_of(prediction, inputs)
    if form == ENTITIES:
        return "; ".join(f"{text[e['start'] : e['end']]} {e['label']}" for e in prediction["entities"]) or "nothing"
    if form == LABELS:
        return ", ".join(sorted(labels_of(prediction))) or "nothing"
    if form == VALUE:
        return f"{prediction['value']:.3g}"
    return str(prediction["text"]) if form == TEXT else str(answer_of(prediction, inputs))


def _plain(value: Any) -> Any:
    """Without probabilities: whatever is called a score, and numbers that are not whole."""
    if isinstance(value, Mapping):
        kept = {name: _plain(item) for name, item in value.items() if name not in _SURE}
        return {name: item for name, item in kept.items() if not isinstance(item, float)}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value if not isinstance(item, float)]
    return value

"""Answers in the form of Hugging Face inference endpoints, which ``huggingface_hub.InferenceClient`` reads."""

from __future__ import annotations

from typing import Any

from taskzoo.types import Prediction

from .served import Served


def hub_answers(served: Served, predictions: list[Prediction], *, single: bool) -> Any:
    """Labels as a list for each input; entities and generated texts as a list for each, or the list of the only one."""
    found = [_answer(served, prediction) for prediction in predictions]
    return found[0] if single and "entities" in predictions[0] else found


def _answer(served: Served, prediction: Prediction) -> Any:
    if "entities" in prediction:
        return [
            {
                "entity_group": entity["label"],
                "word": entity["text"],
                **{name: entity[name] for name in ("start", "end", "score") if name in entity},
            }
            for entity in prediction["entities"]
        ]
    if "scores" in prediction:
        ranked = sorted(prediction["scores"].items(), key=lambda item: -item[1])
        return [{"label": label, "score": score} for label, score in ranked]
    if "label" in prediction or "labels" in prediction:  # of an empty text
        return []
    if "value" in prediction:
        return [{"label": "value", "score": prediction["value"]}]
    if {"source", "text"} <= prediction.keys():
        return {served.text_key: prediction["text"]}
    return prediction

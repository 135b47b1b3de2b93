"""Answers in the form of Hugging Face inference endpoints, which ``huggingface_hub.InferenceClient`` reads."""

from __future__ import annotations

from typing import Any

from taskzoo.types import Prediction

from .failures import HttpError
from .options import PredictOptions
from .served import Served


def check_hub_options(options: PredictOptions) -> None:
    """Refuse, by a :class:`HttpError`, what a request asks for and these answers have no place for."""
    if options.coverage is not None:
        path = "the answers of an inference endpoint have no place for label sets; POST /predict gives them"
        raise HttpError(422, f"coverage cannot be asked for here: {path}.")


def hub_answers(served: Served, predictions: list[Prediction], least: float | None, *, single: bool) -> Any:
    """Labels as a list for each input; entities and generated texts as a list for each, or the list of the only one.

    Labels less probable than ``least`` are left out, as such entities are in the predictions.
    """
    found = [_answer(served, prediction, least or 0.0) for prediction in predictions]
    return found[0] if single and "entities" in predictions[0] else found


def _answer(served: Served, prediction: Prediction, least: float) -> Any:
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
        return [{"label": label, "score": score} for label, score in ranked if score >= least]
    if "label" in prediction or "labels" in prediction:  # of an empty text
        return []
    if "value" in prediction:
        return [{"label": "value", "score": prediction["value"]}]
    if {"source", "text"} <= prediction.keys():
        return {served.text_key: prediction["text"]}
    return prediction

"""How unsure a model is of a whole row, by its prediction, whatever task that is of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from taskzoo.types import Prediction

TAG_PROBABILITIES = "_tag_probabilities"
"""Key of predictions with ``tags``: the probability of each tag."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """How unsure a model is: ``value``, 0 or more, to be compared with those of other rows; and why, for people."""

    value: float
    reason: str


def doubt_of(prediction: Prediction) -> Doubt | None:
    """How unsure the model is; ``None`` where its prediction does not say.

    One label: 1 less the margin between the two likeliest. Several: the mean over labels of how near 0.5 each is.
    Tags of words: the mean over words of how improbable each is. Generated text: minus the log-probability of a token.
    """
    if TAG_PROBABILITIES in prediction:
        return _of_tags(np.asarray(prediction[TAG_PROBABILITIES], dtype=np.float64), prediction)
    scores = prediction.get("scores")
    if isinstance(prediction.get("labels"), list) and isinstance(scores, Mapping) and scores:
        known = np.asarray(prediction.get("_probabilities", list(scores.values())), dtype=np.float64)
        nearest = min(scores, key=lambda name: (abs(scores[name] - 0.5), name))
        value = float((1 - np.abs(2 * known - 1)).mean())
        return Doubt(value, f"{nearest} {scores[nearest]:.0%}")
    score = prediction.get("score")
    if isinstance(prediction.get("label"), str):
        if isinstance(scores, Mapping) and len(scores) > 1:
            (one, first), (two, second) = sorted(scores.items(), key=lambda item: -item[1])[:2]
            return Doubt(1 - (first - second), f"{one} {first:.0%} or {two} {second:.0%}")
        return Doubt(1 - score, f"{prediction['label']} {score:.0%}") if isinstance(score, float) else None
    if isinstance(score, float) and score <= 0:
        return Doubt(-score, f"log-probability {score:.2f} per token")
    return None


def _of_tags(known: np.ndarray, prediction: Prediction) -> Doubt:
    if not len(known):
        return Doubt(0.0, "no words")
    least = int(known.argmin())
    word = prediction["tokens"][least] if "tokens" in prediction else f"word {least + 1}"
    return Doubt(float((1 - known).mean()), f"{word}: {prediction['tags'][least]} {known[least]:.0%}")

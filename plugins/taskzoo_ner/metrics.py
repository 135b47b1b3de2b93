"""Span F1: an entity counts if its offsets and its type are exactly right."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from taskzoo.errors import DataError
from taskzoo.metrics.base import CorpusMetric, check_lengths, ratio
from taskzoo.types import Score

from .spans import conlleval_spans


class SpanF1(CorpusMetric):
    """Precision, recall and F1 over exactly matching entities, word accuracy, and the F1 of conlleval.

    "Exact match" in Nadeau & Sekine (2007), "A survey of named entity recognition and classification"; the measure of
    Tjong Kim Sang & De Meulder (2003), "Introduction to the CoNLL-2003 shared task". Every entity is a member of a set:
    given twice, it counts once. A score without anything to count is 0.0, as in seqeval and conlleval, and NaN without
    examples. Accuracy and the F1 of conlleval are of the tags of words, where a gold entity that begins or ends inside
    a word covers that word, and one that holds no word or shares one with an entity before it is missing.

    Predictions and references: one dict per example with "tags", the IOB2 tag of each word, and "entities", a list of
    {"start", "end", "label"} with character offsets (end exclusive). Further keys are ignored.
    """

    scores = tuple(Score(name, empty=0.0) for name in ("f1", "precision", "recall", "accuracy", "f1_conlleval"))
    by_row = True

    def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
        """Additive counts, shape ``[examples, 8]``, float64.

        Columns: matching, predicted and gold entities; right words and words; matching, predicted and gold entities
        in the reading of conlleval.

        Raises:
            DataError: unequal numbers of examples, or of tags in an example (the example is named, from 0).
        """
        _check(predictions, references)
        rows = []
        for predicted, gold in zip(predictions, references, strict=True):
            right = sum(p == g for p, g in zip(predicted["tags"], gold["tags"], strict=True))
            lenient_predicted, lenient_gold = (set(conlleval_spans(side["tags"])) for side in (predicted, gold))
            exact, lenient = _counts(_entities(predicted), _entities(gold)), _counts(lenient_predicted, lenient_gold)
            rows.append([*exact, right, len(gold["tags"]), *lenient])
        return np.asarray(rows, dtype=np.float64).reshape(-1, 8)

    def from_sums(self, total: np.ndarray) -> dict[str, float]:
        """Scores from summed statistics of shape ``[8]``; NaN where there is nothing to count."""
        further = {"accuracy": ratio(total[3], total[4]), "f1_conlleval": _prf(*total[5:8])["f1"]}
        return {**_prf(*total[:3]), **further}

    def details(self, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, Any]:
        """``{"per_type": {label: {"precision", "recall", "f1", "support"}}}``, labels in alphabetical order.

        ``support`` is the number of gold entities. A label that occurs in predictions only is listed with support 0.
        ``found``: how many entities are predicted and gold in all.

        Raises:
            DataError: as :meth:`statistics`.
        """
        _check(predictions, references)
        counts: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])  # matching, predicted, gold
        for prediction, reference in zip(predictions, references, strict=True):
            predicted, gold = _entities(prediction), _entities(reference)
            for column, entities in enumerate((predicted & gold, predicted, gold)):
                for _, _, label in entities:
                    counts[label][column] += 1
        return {
            "per_type": {label: {**_shown(*found), "support": found[2]} for label, found in sorted(counts.items())},
            "found": {
                "what": "entities",
                "predicted": sum(found[1] for found in counts.values()),
                "gold": sum(found[2] for found in counts.values()),
            },
        }


def _check(predictions: Sequence[Any], references: Sequence[Any]) -> None:
    check_lengths(predictions, references)
    for index, (predicted, gold) in enumerate(zip(predictions, references, strict=True)):
        found, expected = len(predicted["tags"]), len(gold["tags"])
        if found != expected:
            raise DataError(f"Example {index} has {found} predicted tags for {expected} words; each word needs one.")


def _entities(side: Mapping[str, Any]) -> set[tuple[int, int, str]]:
    return {(entity["start"], entity["end"], entity["label"]) for entity in side["entities"]}


def _counts(predicted: set[Any], gold: set[Any]) -> tuple[int, int, int]:
    return len(predicted & gold), len(predicted), len(gold)


def _prf(matching: float, predicted: float, gold: float) -> dict[str, float]:
    precision, recall = ratio(matching, predicted), ratio(matching, gold)
    return {"precision": precision, "recall": recall, "f1": ratio(2 * matching, predicted + gold)}


def _shown(*counts: float) -> dict[str, float]:
    """As :func:`_prf`; 0 where there is nothing to count."""
    return {name: 0.0 if math.isnan(value) else value for name, value in _prf(*counts).items()}

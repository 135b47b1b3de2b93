"""Exact match and F1, with those of questions that have an answer and of those that have none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from taskzoo import Score
from taskzoo.metrics.base import CorpusMetric, check_lengths, column, ratio
from taskzoo.types import Prediction

from .comparing import RULES, compare


class AnswerScores(CorpusMetric):
    """``AnswerScores("en").compute([{"text": "the cat"}], [{"targets": ["cat"]}])``.

    Predictions have ``text``, empty for "no answer"; references have ``targets``, a list of texts, empty likewise.
    ``has_answer_f1`` is the F1 of the questions that have an answer, ``no_answer_accuracy`` the share of the others
    that get none; both are undefined without such questions.

    Args:
        language: ``en`` for the rules of SQuAD, ``zh`` for those of CMRC 2018.
    """

    scores = tuple(map(Score, ("f1", "exact_match", "has_answer_f1", "no_answer_accuracy")))
    constant_name = "no answer to any question"

    def __init__(self, language: str = "en") -> None:
        self._rules = RULES[language]

    def statistics(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> np.ndarray:
        """Shape ``[examples, 7]``: F1, exact match, 1; F1 and 1 if there is an answer; right and 1 if there is none."""
        check_lengths(predictions, references)
        rows = []
        texts, gold = column(predictions, "text", "predictions"), column(references, "targets", "references")
        for text, targets in zip(texts, gold, strict=True):
            exact, f1 = compare(text, targets, self._rules)
            has = bool(targets)
            rows.append([f1, exact, 1.0, f1 * has, has, exact * (not has), not has])
        return np.array(rows, dtype=np.float64).reshape(-1, 7)

    def from_sums(self, total: np.ndarray) -> dict[str, float]:
        f1, exact, count, has_f1, has, silent, none = total
        return {
            "f1": ratio(f1, count),
            "exact_match": ratio(exact, count),
            "has_answer_f1": ratio(has_f1, has),
            "no_answer_accuracy": ratio(silent, none),
        }

    def constant(self, references: Sequence[Prediction]) -> Prediction | None:
        return {"text": ""} if any(not reference["targets"] for reference in references) else None

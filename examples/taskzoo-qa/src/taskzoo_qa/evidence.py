"""The evidence for an answer: the log-probability of its span among all spans of the context."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from taskzoo.arrays import as_array
from taskzoo.evidence import LOG_PROBABILITY, Claim, Evidence, Question, Word
from taskzoo.types import Batch, Feature, Prediction

from .decoding import log_sum, pair_scores


class Scores(NamedTuple):
    """Of a window: the scores of its pairs of tokens ``[C, C]``, and of no answer."""

    feature: Feature
    pairs: np.ndarray
    null: float


class AnswerEvidence(Evidence):
    """An answer is a span of the context; "no answer" is nothing that words speak for."""

    def claims(self, prediction: Prediction) -> list[Claim]:
        if not prediction["text"]:
            return []
        return [Claim("entity", "answer", Word("context", prediction["start"], prediction["end"]))]

    def unit(self, claim: Claim) -> str:
        return LOG_PROBABILITY

    def parts(self, model: Any, batch: Batch) -> list[Any]:
        outputs = self.task.forward(model, batch)
        starts, ends = as_array(outputs.start_logits), as_array(outputs.end_logits)
        longest = 10**9  # words that are left out leave a sign behind, which may be longer in tokens
        return [
            Scores(f, pair_scores(s, e, f, longest), float(s[f["null"]] + e[f["null"]]))
            for f, s, e in zip(batch.targets["features"], starts, ends, strict=True)
        ]

    def value(self, question: Question, parts: Sequence[Any]) -> float:
        span = question.claim.span
        assert span is not None
        found = []
        for feature, pairs, _ in parts:
            inside = [i for i, (a, b) in enumerate(feature["places"]) if a < b and a < span.end and span.start < b]
            if inside and np.isfinite(pairs[inside[0], inside[-1]]):
                found.append(float(pairs[inside[0], inside[-1]]))
        totals = [log_sum(part.pairs.ravel()) for part in parts]
        if self.task.may_be_silent:
            totals.append(min(part.null for part in parts) - self.task.threshold)
        return max(found, default=min(totals)) - log_sum(np.array(totals))

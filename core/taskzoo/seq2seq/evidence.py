"""The evidence for a generated text: how probable the model finds it, given a source of which words are left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from taskzoo.arrays import as_array
from taskzoo.errors import RequestError
from taskzoo.evidence import Claim, Evidence, Question
from taskzoo.types import IGNORE_INDEX, Batch, Example, Prediction

from .outputs import Output, mean_log_probability

PER_TOKEN = "log-probability per token"


class GeneratedEvidence(Evidence):
    """The mean log-probability of the tokens of the generated text, by teacher forcing.

    What the model would generate from fewer words is another text; this is about the one that it did generate.
    """

    def claims(self, prediction: Prediction) -> list[Claim]:
        return [Claim("text", prediction["text"])] if prediction["text"].strip() else []

    def unit(self, claim: Claim) -> str:
        return PER_TOKEN

    def example(self, question: Question) -> Example:
        fields = {**question.example.fields, "targets": [question.claim.name]}
        return Example(fields, question.example.source, question.example.line)

    def parts(self, model: Any, batch: Batch) -> list[Any]:
        labels = as_array(batch.targets["labels"])
        forced = [[int(i) for i in row if i != IGNORE_INDEX] for row in labels]
        scores = iter(self.task.token_scores(model, batch, forced))
        found = [next(scores) if ids else [] for ids in forced]
        return [Output("", False, sum(each, 0.0), len(each)) for each in found]

    def value(self, question: Question, parts: Sequence[Any]) -> float:
        found = mean_log_probability(parts)
        if len(parts) != 1 or found is None:
            raise RequestError(
                "The source is read in chunks, and what is generated for each cannot be explained as one text; give "
                "one chunk at a time."
            )
        return found

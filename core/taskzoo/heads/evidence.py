"""The evidence for labels and numbers of whole texts: from the logits of the head, before they are rounded or cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from taskzoo.evidence import LOG_ODDS, VALUE, Claim, Evidence, Question, Word
from taskzoo.models.text_encoding import text_places
from taskzoo.types import Feature, Prediction

from .base import Head, pool_windows
from .multi_label import MultiLabelHead
from .regression import RegressionHead
from .single_label import SingleLabelHead

ROLES = ("text", "text_pair")


class HeadEvidence(Evidence):
    """Log-odds of a label: against all others together, or, where a text may have several, against not having it.

    They are of the calibrated probabilities, and of the mean logits where a text has windows, as predictions are. A
    number is its own evidence, in its own unit, before it is held within the range of the training rows.
    """

    differentiable = True

    @property
    def head(self) -> Head:
        """That of the run."""
        head: Head = self.task.text_head
        return head

    def claims(self, prediction: Prediction) -> list[Claim]:
        if isinstance(self.head, RegressionHead):
            return [Claim("value", f"{prediction['value']:g}")]
        return super().claims(prediction)

    def labels(self, prediction: Prediction) -> Sequence[str]:
        return self.head.labels

    def unit(self, claim: Claim) -> str:
        return VALUE if claim.kind == "value" else LOG_ODDS

    def value(self, question: Question, parts: Sequence[Any]) -> float:
        logits = pool_windows([parts])[0].astype(np.float64)
        if isinstance(self.head, RegressionHead):
            return float(self.head.scale.mean + self.head.scale.deviation * logits[0])
        logits, chosen = logits / self._temperature, self.head.labels.index(question.claim.name)
        if isinstance(self.head, MultiLabelHead):
            return float(logits[chosen])
        others = np.delete(logits, chosen)
        return float(logits[chosen] - others.max() - np.log(np.exp(others - others.max()).sum()))

    def score(self, outputs: Any, batch: Any, question: Question, rows: Any) -> Any:
        given = outputs.logits.float()
        copies = int(rows.max()) + 1
        sums = given.new_zeros(copies, given.shape[1]).index_add(0, rows, given)
        logits = sums / rows.bincount(minlength=copies).unsqueeze(1)
        if isinstance(self.head, RegressionHead):
            return self.head.scale.mean + self.head.scale.deviation * logits[:, 0]
        logits, chosen = logits / self._temperature, self.head.labels.index(question.claim.name)
        if isinstance(self.head, MultiLabelHead):
            return logits[:, chosen]
        others = [i for i in range(logits.shape[1]) if i != chosen]
        return logits[:, chosen] - logits[:, others].logsumexp(dim=1)

    def places(self, question: Question, features: Sequence[Feature], processor: Any) -> list[list[Word | None]]:
        example, limits = question.example, {name: self.task.options[name] for name in ("max_length", "long_texts")}
        found = text_places(processor, example["text"], example["text_pair"], features, **limits)
        return [
            [None if place is None else Word(ROLES[place[0]], place[1], place[2]) for place in row] for row in found
        ]

    @property
    def _temperature(self) -> float:
        return self.head.temperature if isinstance(self.head, SingleLabelHead | MultiLabelHead) else 1.0

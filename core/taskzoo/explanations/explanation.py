"""What an explanation says, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from taskzoo.evidence import Claim
from taskzoo.types import Prediction

INTEGRATED_GRADIENTS, GRADIENT_X_INPUT, LEAVE_ONE_OUT = "integrated-gradients", "gradient-x-input", "leave-one-out"
METHODS = (LEAVE_ONE_OUT, INTEGRATED_GRADIENTS, GRADIENT_X_INPUT)
"""Best first, as measured on three data sets (docs/explain.md)."""


@dataclass(frozen=True, slots=True)
class WordEvidence:
    """A word and how much it speaks for the claim (above 0) or against it (below).

    Args:
        role: the column whose text it is in.
        start, end: its characters there.
        text: the word.
        evidence: in the unit of the claim; ``None`` where the model does not read the word, because the text is cut.
    """

    role: str
    start: int
    end: int
    text: str
    evidence: float | None


@dataclass(frozen=True, slots=True)
class Explained:
    """The evidence for one claim.

    Args:
        claim: what is explained.
        method: one of :data:`METHODS`.
        unit: of all numbers.
        value: how much the model holds to the claim.
        words: all words of the input, in order.
        baseline: what the input is compared with, in words.
        baseline_value: the value there; ``None`` where each word has a baseline of its own.
        residual: of integrated gradients, what the words and tokens without a word leave of the difference to the
            baseline; 0 for infinitely many steps.
        elsewhere: evidence on tokens that belong to no word.
    """

    claim: Claim
    method: str
    unit: str
    value: float
    words: list[WordEvidence]
    baseline: str
    baseline_value: float | None = None
    residual: float | None = None
    elsewhere: float = 0.0

    @property
    def strongest(self) -> list[WordEvidence]:
        """The words that the model reads, those with the most evidence, for or against, first."""
        return sorted((word for word in self.words if word.evidence), key=lambda word: -abs(word.evidence or 0.0))

    def to_dict(self) -> dict[str, Any]:
        """JSON-serialisable."""
        span = self.claim.span
        where = {} if span is None else {"start": span.start, "end": span.end}
        shown: dict[str, Any] = {"kind": self.claim.kind, "name": self.claim.name, **where}
        shown |= {"predicted": self.claim.predicted, "method": self.method, "unit": self.unit, "value": self.value}
        shown |= {"baseline": self.baseline, "baseline_value": self.baseline_value, "residual": self.residual}
        words = [
            {"role": w.role, "start": w.start, "end": w.end, "text": w.text, "evidence": w.evidence} for w in self.words
        ]
        return {**shown, "elsewhere": self.elsewhere, "words": words}


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A training row whose vector is near.

    Args:
        similarity: the cosine of the vectors.
        inputs: role -> text.
        reference: the row's gold answer.
        place: where it comes from.
    """

    similarity: float
    inputs: dict[str, str]
    reference: Prediction
    place: str

    @property
    def answer(self) -> str:
        """The gold answer, for people."""
        found = self.reference
        if "entities" in found:
            text = next(iter(self.inputs.values()), "")
            return "; ".join(f"{text[e['start'] : e['end']]}: {e['label']}" for e in found["entities"]) or "no entity"
        for name in ("label", "labels", "value", "targets"):
            if name in found:
                value = found[name]
                return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        return ", ".join(map(str, found.values()))


@dataclass(slots=True)
class Explanation:
    """A prediction and what speaks for it.

    Args:
        inputs: role -> text.
        prediction: the public prediction.
        explained: the evidence for each claim; none where nothing is predicted.
        nearest: training rows, the nearest first, if they were asked for.
        notes: what a person should know, a sentence each.
    """

    inputs: dict[str, str]
    prediction: Prediction
    explained: list[Explained]
    nearest: list[Neighbour] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """JSON-serialisable."""
        nearest = [
            {"similarity": n.similarity, "inputs": n.inputs, "reference": n.reference, "place": n.place}
            for n in self.nearest
        ]
        explained = [one.to_dict() for one in self.explained]
        found: dict[str, Any] = {"inputs": self.inputs, "prediction": self.prediction, "explained": explained}
        return {**found, **({"nearest": nearest} if nearest else {}), "notes": self.notes}

    def __repr__(self) -> str:
        lines = []
        for one in self.explained:
            best = ", ".join(f"{word.text} {word.evidence:+.2f}" for word in one.strongest[:5])
            lines.append(f"{one.claim.name}: {best}")
        return f"<Explanation: {'; '.join(lines) or 'nothing is predicted'}>"

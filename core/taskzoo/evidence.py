"""What of a prediction can be explained, and what number says how much the model holds to it.

Explanations ask how this number changes when words are left out, or along which words its gradient points. The default
reads predictions in the forms that tasks give them (a label, labels, entities, a number), so that words can be left
out for any task. A task that knows more brings a subclass: :meth:`taskzoo.task.Task.evidence`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from .blame import name_the_task
from .errors import RequestError, UnknownNameError
from .types import Batch, Example, Feature, Prediction

LOG_ODDS, LOG_PROBABILITY, PROBABILITY, VALUE = "log-odds", "log-probability", "probability", "value"
"""Units of :meth:`Evidence.value`; all but the last can be turned into a probability."""

LISTED = 8
"""Labels that a message lists."""


class Word(NamedTuple):
    """The characters from ``start`` to ``end`` of the text in a role."""

    role: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that a prediction says, or that somebody asks about instead.

    Args:
        kind: ``label``, ``entity``, ``value`` or ``text``.
        name: the label, the type of the entity, the number or the generated text.
        span: of an entity, in the text of its role; ``None`` where the claim is about the whole input.
        predicted: whether the prediction says it.
    """

    kind: str
    name: str
    span: Word | None = None
    predicted: bool = True


@dataclass(frozen=True, slots=True)
class Question:
    """A claim about an example, which may have fewer words than the one that was predicted."""

    example: Example
    claim: Claim


class Evidence:
    """How a task's predictions are explained; this one reads public predictions.

    Args:
        task: fitted, of a finished run.
        role: that of the text in which entities lie.
    """

    differentiable: ClassVar[bool] = False
    """Whether there are :meth:`score` and :meth:`places`, which gradients need."""

    def __init__(self, task: Any, role: str) -> None:
        self.task, self.role = task, role

    def claims(self, prediction: Prediction) -> list[Claim]:
        """What the prediction says; none for nothing (no entity, no label)."""
        if "entities" in prediction:
            found = prediction["entities"]
            return [Claim("entity", e["label"], Word(self.role, e["start"], e["end"])) for e in found]
        if "labels" in prediction:
            return [Claim("label", label) for label in prediction["labels"]]
        if isinstance(prediction.get("label"), str):
            return [Claim("label", prediction["label"])]
        if isinstance(prediction.get("value"), int | float):
            return [Claim("value", f"{prediction['value']:g}")]
        raise RequestError(
            f"The predictions of this task ({', '.join(prediction)}) have none of the forms that can be explained: "
            "label, labels, entities, value. Its plugin can say how, in evidence()."
        )

    def instead(self, prediction: Prediction, label: str) -> list[Claim]:
        """What the prediction would say with another label: of each entity, or of the text.

        Raises:
            RequestError: predictions have no labels.
            UnknownNameError: there is no such label.
        """
        known = self.labels(prediction)
        if not known:
            raise RequestError(f"--label {label}: the predictions of this run have no labels to choose from.")
        if label not in known:
            more = f" and {len(known) - LISTED} more" if len(known) > LISTED else ""
            hint = f"There are {', '.join(map(repr, known[:LISTED]))}{more}."
            raise UnknownNameError("label", label, known, hint)
        if "entities" in prediction:
            return [Claim("entity", label, c.span, c.name == label) for c in self.claims(prediction)]
        return [Claim("label", label, None, any(c.name == label for c in self.claims(prediction)))]

    def labels(self, prediction: Prediction) -> Sequence[str]:
        """The labels that can be asked about; by default those that the prediction lists."""
        scores = prediction.get("scores")
        return list(scores) if isinstance(scores, Mapping) else []

    def unit(self, claim: Claim) -> str:
        """The unit of :meth:`value`; whatever is not one of those above is shown as it is."""
        return VALUE if claim.kind == "value" else PROBABILITY

    def words(self, inputs: Mapping[str, str]) -> list[Word] | None:
        """The words of the texts, role -> text, where the task cuts them itself; ``None``: as core does."""
        return None

    def example(self, question: Question) -> Example:
        """The example as it is encoded to find the value of the claim."""
        return question.example

    def parts(self, model: Any, batch: Batch) -> list[Any]:
        """One part per feature of a batch of such examples, as :meth:`value` reads them."""
        found: list[Any] = self.task.predict_batch(model, batch)
        return found

    def value(self, question: Question, parts: Sequence[Any]) -> float:
        """How much the model holds to the claim, from the parts of the example; more is more."""
        claim = question.claim
        prediction = self.task.assemble([question.example], [parts])[0]
        if claim.kind == "entity":
            wanted = (claim.name, claim.span)
            found = [
                e.get("score", 1.0)
                for e in prediction["entities"]
                if (e["label"], Word(self.role, e["start"], e["end"])) == wanted
            ]
            return float(found[0]) if found else 0.0
        if claim.kind == "value":
            return float(prediction["value"])
        scores = prediction.get("scores")
        if isinstance(scores, Mapping) and claim.name in scores:
            return float(scores[claim.name])
        if "labels" in prediction:
            return float(claim.name in prediction["labels"])
        return float(prediction.get("score", 1.0)) if prediction["label"] == claim.name else 0.0

    def score(self, outputs: Any, batch: Batch, question: Question, rows: Any) -> Any:
        """The value of the claim for copies of the example, as a differentiable tensor ``[copies]``.

        Args:
            outputs: of :meth:`taskzoo.task.Objective.forward`.
            batch: the same batch, on the device.
            question: about the example.
            rows: which copy each feature of the batch is of, an integer tensor ``[B]``.
        """
        raise RequestError("Gradients are not available for this task; use --method leave-one-out.")

    def places(self, question: Question, features: Sequence[Feature], processor: Any) -> list[list[Word | None]]:
        """Where in its text each token of each feature stands; ``None`` for tokens of no text.

        Raises:
            RequestError: it cannot be told.
        """
        raise RequestError("Gradients are not available for this task; use --method leave-one-out.")

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        name_the_task(cls, Evidence)

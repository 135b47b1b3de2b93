"""A run that is asked about texts: what it predicts, and how much it holds to a claim about texts that were changed."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from taskzoo.data.batching import plan_evaluation
from taskzoo.engine.exported_predictor import ExportedPredictor
from taskzoo.engine.scoring import MAX_EXAMPLES
from taskzoo.errors import RequestError, RunError
from taskzoo.evidence import Claim, Question, Word
from taskzoo.runs.load import Run
from taskzoo.types import Feature, Row

from .words import cut_words

CHUNK = 256
"""Changed texts that are encoded together."""

Texts = Mapping[str, str]
"""Role -> text."""

Advance = Callable[[int], None]
"""Is told how many more features are done."""


@dataclass(frozen=True, slots=True)
class Subject:
    """An input that is explained.

    Args:
        texts: role -> text.
        others: what else the row has.
    """

    texts: dict[str, str]
    others: dict[str, Any]

    def row(self, texts: Texts) -> Row:
        """The row with other texts."""
        return Row({**self.others, **texts})


class Asked:
    """A finished run or an export of one, loaded."""

    def __init__(self, run: Run) -> None:
        self.run, self.predictor = run, run.predictor
        self.evidence = run.task.evidence(run.spec.input_role)

    @property
    def exported(self) -> bool:
        """Whether it has no gradients, because another runtime computes it."""
        return isinstance(self.predictor, ExportedPredictor)

    def subject(self, row: Row) -> Subject:
        """The texts of a row; what comes as tokens or sentences, as the text that the task makes of it.

        Raises:
            RequestError: there is none.
            DataError: the row cannot be used.
        """
        roles = [role for role, column in self.run.spec.columns.items() if not column.target]
        fields = {role: row.fields[role] for role in roles if row.fields.get(role) is not None}
        texts = {role: value for role, value in fields.items() if isinstance(value, str)}
        others = {role: value for role, value in fields.items() if role not in texts}
        if not texts:
            example = self.run.task.prepare([row], "predict")[0]
            texts = {role: example[role] for role in roles if isinstance(example.get(role), str)}
            others = {}
        if not texts:
            raise RequestError("This task reads no text, so there are no words to explain a prediction by.")
        return Subject(texts, others)

    def words(self, subject: Subject) -> list[Word]:
        """The words of all texts, in order.

        Raises:
            RequestError: there are none.
        """
        found = self.evidence.words(subject.texts)
        if found is None:
            found = [word for role, text in subject.texts.items() for word in cut_words(role, text)]
        if not found:
            raise RequestError("There is no word in this input, so there is nothing to explain the prediction by.")
        return found

    def question(self, subject: Subject, claim: Claim) -> Question:
        """The claim about the texts as they are."""
        return Question(self.run.task.prepare([subject.row(subject.texts)], "predict")[0], claim)

    def features(self, question: Question) -> Sequence[Feature]:
        """What the model reads of it."""
        return self.run.task.encode([self.evidence.example(question)], self.run.processor).features

    def values(
        self, subject: Subject, changed: Sequence[tuple[Texts, Claim]], advance: Advance | None = None
    ) -> list[float]:
        """How much the model holds to each claim about each of the changed texts.

        Raises:
            RunError: a value is not a number.
        """
        found: list[float] = []
        for start in range(0, len(changed), CHUNK):
            part = changed[start : start + CHUNK]
            examples = self.run.task.prepare([subject.row(texts) for texts, _ in part], "predict")
            questions = [Question(example, claim) for example, (_, claim) in zip(examples, part, strict=True)]
            parts = self._parts(questions, advance)
            found += [check_number(self.evidence.value(q, parts[i])) for i, q in enumerate(questions)]
        return found

    def _parts(self, questions: Sequence[Question], advance: Advance | None) -> Mapping[int, list[Any]]:
        """The parts of each question, in feature order."""
        predictor, task = self.predictor, self.run.task
        features = task.encode([self.evidence.example(q) for q in questions], self.run.processor).features
        found: dict[int, Any] = {}
        lengths = [feature.length for feature in features]
        for indices in plan_evaluation(lengths, max_tokens=predictor.max_tokens, max_examples=MAX_EXAMPLES):
            batch = predictor.collate([features[i] for i in indices])
            if isinstance(predictor, ExportedPredictor):
                parts = self.evidence.parts(predictor.model, batch)
            else:
                import torch

                from taskzoo.engine.batches import to_device

                moved = to_device(batch, predictor.accelerator.device)
                with torch.no_grad(), predictor.accelerator.autocast():
                    parts = self.evidence.parts(predictor.model, moved)
            found.update(zip(indices, parts, strict=True))
            if advance is not None:
                advance(len(indices))
        per_row: dict[int, list[Any]] = defaultdict(list)
        for index in sorted(found):
            per_row[features[index].row].append(found[index])
        return per_row


def check_number(value: float) -> float:
    """The value, unless it is not finite: then the model is damaged.

    Raises:
        RunError: it is not.
    """
    if not math.isfinite(value):
        raise RunError(
            "The model gives scores that are not numbers (NaN), so its weights are damaged; train it again, or copy "
            "the run anew."
        )
    return value

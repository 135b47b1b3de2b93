"""The task ``qa``: rows to features, outputs to answers."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from taskzoo import Batch, DataError, Encoded, Example, Loss, Metric, RequestError, Row, Task
from taskzoo.arrays import as_array
from taskzoo.evidence import Evidence
from taskzoo.types import Prediction

from .answers import read_answers
from .collator import QaCollator
from .comparing import RULES, compare
from .decoding import Answers, Found, Window, join_windows, log_sum, read_window
from .evidence import AnswerEvidence
from .metrics import AnswerScores
from .threshold import best_threshold
from .tokens import IDEOGRAPH, KANA
from .windows import encode_examples

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_KEPT = 20
"""Spans that are kept of each window, at least."""
_CHINESE = 0.2
"""The share of ideographs in the answers from which on they are compared by characters."""
_JAPANESE = 0.1
"""Kana in the answers, for each ideograph, above which these are not Chinese."""


class QaTask(Task):
    """Start and end of the answer in the context; "no answer" where the training rows had such questions.

    An example has ``question``, ``context``, ``id`` (or ``None``) and ``answers``: a list of :class:`.answers.Answer`,
    empty where there is none, or ``None`` without labels.
    """

    primary_metric = "f1"
    multi_reference = True
    inference_options = ("n_best", "max_answer_length", "no_answer", "doc_stride")

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        self.language = "en" if options["language"] == "auto" else options["language"]
        self.some_unanswerable = False
        self.threshold = 0.0
        self._described = ""

    # from rows to features

    def prepare(self, rows: Sequence[Row], split: str) -> list[Example]:
        return [_checked(row, split) for row in rows]

    def dedup_key(self, example: Example) -> tuple[str, str]:
        return f"{example['question']}\n{example['context']}", _texts(example)[0] if example["answers"] else ""

    def group(self, example: Example) -> str:
        """The questions about one context stay in one split."""
        return hashlib.sha256(example["context"].encode()).hexdigest()

    def fit(self, examples: Sequence[Example]) -> None:
        texts = [text for example in examples for text in _texts(example)]
        if not texts:
            raise RequestError("None of the training questions has an answer, so there is nothing to learn.")
        if self.options["language"] == "auto":
            letters = "".join(texts)
            ideographs, kana = len(IDEOGRAPH.findall(letters)), len(KANA.findall(letters))
            chinese = ideographs >= _CHINESE * len(letters) and kana <= _JAPANESE * ideographs
            self.language = "zh" if chinese else "en"
        without = sum(not example["answers"] for example in examples)
        self.some_unanswerable = without > 0
        contexts = len({example["context"] for example in examples})
        rules = {"en": "SQuAD", "zh": "CMRC 2018"}[self.language]
        self._described = (
            f"{len(examples)} questions about {contexts} texts, {without} of them without an answer; scored as {rules}"
        )

    def extend(self, examples: Sequence[Example]) -> None:
        before = self.some_unanswerable, self.language
        self.fit(examples)
        self.some_unanswerable, self.language = before[0] or self.some_unanswerable, before[1]

    def describe(self) -> str:
        return self._described

    def encode(self, examples: Sequence[Example], processor: Any) -> Encoded:
        return encode_examples(examples, processor, self.options)

    # the model

    def head(self, checkpoint: str, **loading: Any) -> PreTrainedModel:
        from .head import load_head

        return load_head(checkpoint, **loading)

    def collator(self, processor: Any) -> QaCollator:
        return QaCollator(processor.pad_token_id)

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        from .loss import span_loss

        if label_smoothing:
            raise RequestError("label_smoothing is not available for qa; leave it at 0.")
        return span_loss(outputs, batch)

    # predictions and scores

    def decode(self, outputs: Any, batch: Batch) -> list[Window]:
        longest, keep = self.options["max_answer_length"], max(_KEPT, self.options["n_best"])
        logits = zip(as_array(outputs.start_logits), as_array(outputs.end_logits), strict=True)
        windows = zip(logits, batch.targets["features"], strict=True)
        return [read_window(starts, ends, feature, longest, keep) for (starts, ends), feature in windows]

    def assemble(self, examples: Sequence[Example], parts: Sequence[Sequence[Window]]) -> list[Prediction]:
        return [self._prediction(e, join_windows(windows)) for e, windows in zip(examples, parts, strict=True)]

    def references(self, examples: Sequence[Example]) -> list[Prediction]:
        return [{"text": (_texts(e) or [""])[0], "targets": _texts(e)} for e in examples]

    def empty_prediction(self, row: Row) -> Prediction:
        return {**super().empty_prediction(row), "text": "", "start": None, "end": None, "score": 1.0}

    def metrics(self) -> Sequence[Metric]:
        return [AnswerScores(self.language)]

    @property
    def input_roles(self) -> Sequence[str]:
        return "question", "context"

    def tune(self, examples: Sequence[Example], parts: Sequence[Sequence[Window]]) -> dict[str, Any]:
        """Choose when there is no answer, where the validation rows have questions of both kinds."""
        kinds = {bool(example["answers"]) for example in examples}
        if not self.some_unanswerable or len(kinds) < 2:
            self.threshold = 0.0
            return {}
        rules, rows = RULES[self.language], []
        for example, windows in zip(examples, parts, strict=True):
            found = join_windows(windows)
            best = example["context"][found.best[0].start : found.best[0].end] if found.best else ""
            f1 = [compare(text, _texts(example), rules)[1] for text in (best, "")]
            rows.append([max(-1e9, min(1e9, found.doubt)), *f1])
        doubts, answered, silent = np.array(rows).T
        self.threshold = best_threshold(doubts, answered, silent)
        before, after = (np.where(doubts > t, silent, answered).mean() for t in (0.0, self.threshold))
        return {"no_answer": {"threshold": self.threshold, "validation_f1": after, "validation_f1_at_0": before}}

    def abstain(self, prediction: Prediction, least: float) -> Prediction:
        doubtful = prediction["score"] < least
        return {**prediction, "text": None if doubtful else prediction["text"], "abstained": doubtful}

    @property
    def calibration_note(self) -> str:
        return "the scores of answers are the model's own probabilities, which were not calibrated"

    def evidence(self, role: str) -> Evidence:
        return AnswerEvidence(self, role)

    # what was learnt

    def state(self) -> dict[str, Any]:
        kept = {"language": self.language, "some_unanswerable": self.some_unanswerable}
        return {**kept, "no_answer_threshold": self.threshold}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.language, self.some_unanswerable = state["language"], state["some_unanswerable"]
        self.threshold = state["no_answer_threshold"]

    @property
    def may_be_silent(self) -> bool:
        """Whether "no answer" is a possible answer."""
        return self.some_unanswerable and self.options["no_answer"] == "auto"

    def _prediction(self, example: Example, found: Answers) -> Prediction:
        null = found.null - self.threshold if self.may_be_silent else -math.inf
        total = log_sum(np.array([found.total, null]))
        spans = [_public(example, one, total) for one in found.best]
        none = {"text": "", "start": None, "end": None, "score": 1.0}
        if self.may_be_silent or not spans:
            none["score"] = round(math.exp(null - total), 4) if self.may_be_silent else 1.0
            first = not spans or found.doubt > self.threshold
            spans = [none, *spans] if first else [spans[0], *_by_score([none, *spans[1:]])]
        told = (
            {"question": example["question"]}
            if example["id"] is None
            else {"id": example["id"]} | {"question": example["question"]}
        )
        several = {"alternatives": spans[1 : self.options["n_best"]]} if self.options["n_best"] > 1 else {}
        return {**told, **spans[0], **several}


def _public(example: Example, found: Found, total: float) -> dict[str, Any]:
    text = example["context"][found.start : found.end]
    return {"text": text, "start": found.start, "end": found.end, "score": round(math.exp(found.score - total), 4)}


def _by_score(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(answers, key=lambda answer: -answer["score"])


def _texts(example: Example) -> list[str]:
    return [answer.text for answer in example["answers"] or ()]


def _checked(row: Row, split: str) -> Example:
    """The row with a question and a context and, if it is labelled, its answers."""
    for role in ("question", "context"):
        if not isinstance(row.get(role), str) or not row[role].strip():
            raise DataError(f"the {role} is missing or empty.", file=row.source, line=row.line)
    answers = None if split == "predict" else read_answers(row, lenient=split != "train")
    name = row.get("id")
    return row.example(
        question=row["question"], context=row["context"], answers=answers, id=None if name is None else str(name)
    )

"""The task ``readability``: rows to features, outputs to grades."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, pstdev
from typing import Any

from transformers import PreTrainedModel

from taskzoo import (
    Batch,
    DataError,
    Encoded,
    Example,
    Feature,
    Loss,
    Metric,
    RequestError,
    Row,
    Task,
)

from .collator import ReadabilityCollator
from .head import load_head
from .loss import squared_error
from .metrics import Regression


class ReadabilityTask(Task):
    """Regression with a standardised target (see :class:`taskzoo.Task` for the contract)."""

    primary_metric = "mse"

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        self.mean, self.deviation = 0.0, 1.0

    # from rows to features

    def prepare(self, rows: Sequence[Row], split: str) -> list[Example]:
        return [_checked(row, labelled=split != "predict") for row in rows]

    def dedup_key(self, example: Example) -> tuple[str, str]:
        return example["text"], str(example["grade"])

    def fit(self, examples: Sequence[Example]) -> None:
        grades = [example["grade"] for example in examples]
        self.mean, self.deviation = fmean(grades), pstdev(grades)
        if not self.deviation:
            raise RequestError("All training rows have the same grade; there is nothing to learn.")

    def encode(self, examples: Sequence[Example], processor: Any) -> Encoded:
        limit, asked = processor.model_max_length, self.options["max_length"]
        if asked > limit:
            raise RequestError(f"max_length={asked} exceeds the limit of the model ({limit}).")
        length = asked or min(limit, 512)
        features: list[Feature] = []
        truncated = 0
        for index, example in enumerate(examples):
            ids = processor(example["text"])["input_ids"]
            if len(ids) > length:
                truncated += 1
                ids = processor(example["text"], truncation=True, max_length=length)["input_ids"]
            grade = example["grade"]
            target = None if grade is None else (grade - self.mean) / self.deviation
            features.append(Feature(index, len(ids), {"input_ids": ids, "target": target}))
        return Encoded(features, {"truncated_rows": truncated})

    # the model

    def head(self, checkpoint: str, **loading: Any) -> PreTrainedModel:
        return load_head(checkpoint, **loading)

    def collator(self, processor: Any) -> ReadabilityCollator:
        return ReadabilityCollator(processor.pad_token_id)

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        if label_smoothing:
            raise RequestError("label_smoothing has no meaning for a number; leave it at 0.")
        return squared_error(outputs.logits, batch.targets["values"])

    # predictions and scores

    def assemble(self, examples: Sequence[Example], parts: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
        grades = (self.mean + self.deviation * float(logits.item()) for (logits,) in parts)
        return [{"text": e["text"], "grade": round(grade, 4)} for e, grade in zip(examples, grades, strict=True)]

    def references(self, examples: Sequence[Example]) -> list[dict[str, Any]]:
        return [{"text": example["text"], "grade": example["grade"]} for example in examples]

    def metrics(self) -> Sequence[Metric]:
        return [Regression()]

    # what was learnt

    def state(self) -> dict[str, Any]:
        return {"mean": self.mean, "deviation": self.deviation}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.mean, self.deviation = state["mean"], state["deviation"]


def _checked(row: Row, *, labelled: bool) -> Example:
    """The row with a text and, if ``labelled``, a finite number."""
    text, grade = row.get("text"), row.get("grade")
    if not isinstance(text, str) or not text.strip():
        raise DataError("the text is missing or empty.", file=row.source, line=row.line)
    if not labelled:
        return row.example(text=text, grade=None)
    try:
        number = float(grade)  # CSV gives text
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number) or isinstance(grade, bool):
        raise DataError(f"the grade {grade!r} is not a number.", file=row.source, line=row.line)
    return row.example(text=text, grade=number)

"""The task ``readability``: rows to features, outputs to grades."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, pstdev
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from taskzoo import DataError, Encoded, RequestError, Row
from taskzoo.task import Batch, Feature, Metric, Prediction

from .collator import ReadabilityCollator
from .head import load_head
from .loss import squared_error
from .metrics import Regression


class ReadabilityTask:
    """Regression with a standardised target (see :class:`taskzoo.Task` for the contract)."""

    primary_metric = "loss"  # the only metric that is minimised

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = dict(options)
        self.mean, self.deviation = 0.0, 1.0

    # rows

    def prepare(self, rows: Sequence[Row], split: str) -> list[Row]:
        return [_checked(row, labelled=split != "predict") for row in rows]

    def rows_from_texts(self, texts: Sequence[str]) -> list[Row]:
        return [Row({"text": text, "grade": None}, "input", number) for number, text in enumerate(texts, 1)]

    def signature(self, row: Row) -> tuple[str, str]:
        return row["text"], str(row["grade"])

    def references(self, rows: Sequence[Row]) -> list[Prediction]:
        return [{"text": row["text"], "grade": row["grade"]} for row in rows]

    # learning

    def fit(self, rows: Sequence[Row]) -> None:
        grades = [row["grade"] for row in rows]
        self.mean, self.deviation = fmean(grades), pstdev(grades)
        if not self.deviation:
            raise RequestError("All training rows have the same grade; there is nothing to learn.")

    def encode(self, rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase) -> Encoded:
        limit = tokenizer.model_max_length
        if self.options["max_length"] > limit:
            raise RequestError(f"max_length={self.options['max_length']} is more than the model takes ({limit}).")
        length = self.options["max_length"] or min(limit, 512)
        features: list[Feature] = []
        truncated = 0
        for index, row in enumerate(rows):
            whole = tokenizer(row["text"])["input_ids"]
            if len(whole) > length:
                truncated += 1
                whole = tokenizer(row["text"], truncation=True, max_length=length)["input_ids"]
            target = None if row["grade"] is None else (row["grade"] - self.mean) / self.deviation
            features.append({"input_ids": whole, "row": index, "target": target})
        return Encoded(features, {"truncated_rows": truncated})

    def head(self, checkpoint: str, **loading: Any) -> PreTrainedModel:
        return load_head(checkpoint, **loading)

    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Callable[[Sequence[Feature]], Batch]:
        return ReadabilityCollator(tokenizer.pad_token_id)

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
        if label_smoothing:
            raise RequestError("label_smoothing has no meaning for a number; leave it at 0.")
        return squared_error(outputs.logits, batch["targets"]["values"])

    # predictions

    def decode(self, outputs: Any, batch: Batch) -> list[float]:
        standardised: list[float] = outputs.logits.squeeze(-1).float().tolist()
        return [self.mean + self.deviation * value for value in standardised]

    def assemble(self, rows: Sequence[Row], parts: Sequence[Sequence[float]]) -> list[Prediction]:
        return [{"text": row["text"], "grade": round(grade, 4)} for row, (grade,) in zip(rows, parts, strict=True)]

    def metrics(self) -> Sequence[Metric]:
        return [Regression()]

    # storage

    def state(self) -> dict[str, Any]:
        return {"options": self.options, "mean": self.mean, "deviation": self.deviation}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> ReadabilityTask:
        task = cls(state["options"])
        task.mean, task.deviation = state["mean"], state["deviation"]
        return task


def _checked(row: Row, *, labelled: bool) -> Row:
    """The row with a text and, if ``labelled``, a finite number."""
    text, grade = row.get("text"), row.get("grade")
    if not isinstance(text, str) or not text.strip():
        raise DataError("the text is missing or empty.", file=row.source, line=row.line)
    if not labelled:
        return Row({"text": text, "grade": None}, row.source, row.line)
    try:
        number = float(grade)  # CSV gives text
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number) or isinstance(grade, bool):
        raise DataError(f"the grade {grade!r} is not a number.", file=row.source, line=row.line)
    return Row({"text": text, "grade": number}, row.source, row.line)

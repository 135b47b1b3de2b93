"""The task ``spans``: rows to features, outputs to entities that may overlap."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from taskzoo import Batch, Encoded, Example, Loss, Metric, RequestError, Row, Task
from taskzoo.arrays import as_array
from taskzoo.types import Prediction

from .collator import SpanCollator
from .decoding import Found, best_threshold, choose, join_windows, read_window
from .features import encode_examples
from .head import load_head  # makes its classes known to transformers
from .labels import Label, parse_labels
from .metrics import SpanScores
from .rows import Span, prepare_row
from .words import covering, split_words

if TYPE_CHECKING:
    from transformers import PreTrainedModel

WIDEST = 24
"""Words of the longest entity that is learnt, unless the option ``max_width`` says otherwise."""


class SpansTask(Task):
    """Every span of up to ``max_width`` words is scored against every label; what the labels are is read by name."""

    primary_metric = "f1"
    parameters_without_gradient = ("pooler",)
    inference_options = ("labels", "threshold", "overlap")

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        if options["threshold"] > 1:
            raise RequestError(f"threshold={options['threshold']:g} must be at most 1; it is a probability.")
        self._asked = parse_labels(options["labels"])
        self._trained: list[Label] = []
        self._trained_with = options["labels"]
        self._max_width = options["max_width"] or 1
        self._threshold = 0.5
        self._described = ""

    @property
    def labels(self) -> list[Label]:
        """Those to find: of the training rows, unless others were asked for afterwards."""
        return self._trained if self.options["labels"] == self._trained_with else self._asked or self._trained

    # rows

    def prepare(self, rows: Sequence[Row], split: str) -> list[Example]:
        return [prepare_row(row, labelled=split != "predict") for row in rows]

    def dedup_key(self, example: Example) -> tuple[str, str]:
        return example["text"], json.dumps(example["spans"] or [], ensure_ascii=False)

    def classes(self, example: Example) -> Sequence[str]:
        return sorted({span.label for span in example["spans"]})

    def references(self, examples: Sequence[Example]) -> list[Prediction]:
        return [{"entities": [_public(e["text"], span) for span in e["spans"] or ()]} for e in examples]

    def remarks(self, examples: Sequence[Example]) -> Sequence[str]:
        known = {label.name for label in self.labels}
        unseen = Counter(s.label for e in examples for s in e["spans"] if s.label not in known)
        shown = ", ".join(f"{name} ({count})" for name, count in unseen.most_common(5))
        return [f"{unseen.total()} spans have labels that are not looked for: {shown}"] if unseen else []

    # learning

    def fit(self, examples: Sequence[Example]) -> None:
        self._trained, self._max_width = list(self._asked), self.options["max_width"] or 1
        self.extend(examples)
        if not self.options["max_width"]:
            self._max_width = min(WIDEST, max(_width(e, s) for e in examples for s in e["spans"]))

    def extend(self, examples: Sequence[Example]) -> None:
        spans = [span for example in examples for span in example["spans"]]
        if not spans:
            raise RequestError("The training rows have no span, so there is nothing to learn.")
        known = {label.name for label in self._trained}
        self._trained += [Label.named(name) for name in sorted({span.label for span in spans} - known)]
        inner = sum(_inner(e["spans"]) for e in examples)
        self._described = (
            f"{len(self._trained)} labels, {len(spans)} spans, {inner} of which share characters with another"
        )
        if unused := known - {span.label for span in spans}:
            self._described += f"; no training row has {', '.join(sorted(unused))}"

    def describe(self) -> str:
        return self._described

    def encode(self, examples: Sequence[Example], processor: Any) -> Encoded:
        limits = {"max_width": self._max_width, "max_length": self.options["max_length"]}
        return encode_examples(examples, processor, self.labels, **limits)

    # the model

    def head(self, checkpoint: str, **loading: Any) -> PreTrainedModel:
        names = [label.name for label in self._trained]
        return load_head(checkpoint, max_width=self._max_width, labels=names, **loading)

    def collator(self, processor: Any) -> SpanCollator:
        return SpanCollator(processor.pad_token_id, self._max_width)

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        from .loss import span_loss

        if label_smoothing:
            raise RequestError("label_smoothing is not available for spans; leave it at 0.")
        return span_loss(outputs.logits, batch)

    # predictions and scores

    def decode(self, outputs: Any, batch: Batch) -> list[list[Found]]:
        windows = zip(as_array(outputs.logits), batch.targets["features"], strict=True)
        return [read_window(logits, feature, self._least) for logits, feature in windows]

    def assemble(self, examples: Sequence[Example], parts: Sequence[Sequence[list[Found]]]) -> list[Prediction]:
        found = [choose(join_windows(windows), self._least, self.options["overlap"]) for windows in parts]
        return [
            {"text": e["text"], "entities": [self._entity(e["text"], one) for one in entities]}
            for e, entities in zip(examples, found, strict=True)
        ]

    def empty_prediction(self, row: Row) -> Prediction:
        return {"text": row.get("text", ""), "entities": []}

    def metrics(self) -> Sequence[Metric]:
        return [SpanScores([label.name for label in self.labels])]

    def tune(self, examples: Sequence[Example], parts: Sequence[Sequence[list[Found]]]) -> dict[str, Any]:
        """Choose the least probability by F1 on the validation rows.

        What excludes a span is more probable than it, so those found at a threshold are the first of those at 0.
        """
        names = [label.name for label in self.labels]
        scores, right = [], []
        for example, windows in zip(examples, parts, strict=True):
            gold = set(example["spans"])
            for one in choose(join_windows(windows), 0.0, self.options["overlap"]):
                scores.append(one.score)
                right.append(Span(one.start, one.end, names[one.label]) in gold)
        if not any(right):
            self._threshold = 0.5
            return {}
        gold_spans = sum(len(example["spans"]) for example in examples)
        self._threshold = best_threshold(np.array(scores), np.array(right), gold_spans)
        return {"threshold": self._threshold}

    def abstain(self, prediction: Prediction, least: float) -> Prediction:
        """Without the entities that are less probable; these are under ``doubtful``."""
        doubtful = [entity for entity in prediction["entities"] if entity["score"] < least]
        kept = [entity for entity in prediction["entities"] if entity["score"] >= least]
        return {**prediction, "entities": kept, "doubtful": doubtful, "abstained": bool(doubtful)}

    @property
    def calibration_note(self) -> str:
        return "the scores of spans are the model's own probabilities, which were not calibrated"

    # what was learnt

    def state(self) -> dict[str, Any]:
        labels = [list(label) for label in self._trained]
        return {
            "labels": labels,
            "trained_with": self._trained_with,
            "max_width": self._max_width,
            "threshold": self._threshold,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self._trained = [Label(*label) for label in state["labels"]]
        self._trained_with, self._max_width = state["trained_with"], state["max_width"]
        self._threshold = state["threshold"]

    @property
    def _least(self) -> float:
        return float(self.options["threshold"] or self._threshold)

    def _entity(self, text: str, found: Found) -> dict[str, Any]:
        span = Span(found.start, found.end, self.labels[found.label].name)
        return {**_public(text, span), "score": round(found.score, 4)}


def _public(text: str, span: Span) -> dict[str, Any]:
    return {**span._asdict(), "text": text[span.start : span.end]}


def _width(example: Example, span: Span) -> int:
    found = covering(split_words(example["text"]), span.start, span.end)
    return 1 if found is None else found[1] - found[0] + 1


def _inner(spans: Sequence[Span]) -> int:
    """How many spans share a character with another one."""
    return sum(
        any(one is not other and one.start < other.end and other.start < one.end for other in spans) for one in spans
    )

"""Prediction with an exported model: features in, predictions out, and no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from taskzoo.data.batching import plan_evaluation
from taskzoo.errors import PluginError
from taskzoo.task import Task
from taskzoo.types import Collate, Encoded, Example

from .scoring import MAX_EXAMPLES, Decoded, Predictions, assemble, most_tokens


@dataclass(slots=True)
class ExportedPredictor:
    """What :class:`~taskzoo.engine.evaluation.Predictor` is, of an exported model.

    A batch holds ``max_tokens`` padded tokens at most, but for a single feature that is longer; 0: what is fastest.
    """

    task: Task
    model: Any
    processor: Any
    max_tokens: int = 0
    collate: Collate = field(init=False)

    def __post_init__(self) -> None:
        self.collate = self.task.collator(self.processor)
        self.max_tokens = self.max_tokens or most_tokens(self.task, on_cpu=True)

    def predict(self, examples: Sequence[Example], *, with_loss: bool = False) -> Predictions:
        """One prediction per example; there is never a loss."""
        encoded = self.task.encode(examples, self.processor)
        return replace(assemble(self.task, examples, self.decode(encoded, len(examples))), counts=encoded.counts)

    def decode(self, encoded: Encoded, rows: int) -> Decoded:
        """Run the model over all features of ``rows`` examples and reduce its outputs to small parts."""
        features = encoded.features
        lengths = [feature.length for feature in features]
        parts: dict[int, Any] = {}
        for indices in plan_evaluation(lengths, max_tokens=self.max_tokens, max_examples=MAX_EXAMPLES):
            found = self.task.predict_batch(self.model, self.collate([features[i] for i in indices]))
            if len(found) != len(indices):
                raise PluginError(f"The task gave {len(found)} parts for {len(indices)} features of a batch.")
            parts.update(zip(indices, found, strict=True))
        per_row: list[list[Any]] = [[] for _ in range(rows)]
        for index in sorted(parts):
            per_row[features[index].row].append(parts[index])
        return Decoded(per_row)

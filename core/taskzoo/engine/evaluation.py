"""Prediction: outputs are reduced to predictions batch by batch and never kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from accelerate.utils import gather_object
from torch import nn

from taskzoo.data.batching import plan_evaluation
from taskzoo.errors import Interrupted, PluginError
from taskzoo.task import Task
from taskzoo.types import Batch, Collate, Encoded, Example

from .accelerator import RunAccelerator
from .batches import to_device
from .scoring import MAX_EXAMPLES, Decoded, Predictions, assemble, most_tokens
from .session import Session

Advance = Callable[[int], None]
"""Is told how many more features are done."""


@dataclass(slots=True)
class Predictor:
    """A model with all that it takes to predict with it.

    A batch holds ``max_tokens`` padded tokens at most, but for a single feature that is longer; 0: what is fastest.
    """

    task: Task
    model: nn.Module
    processor: Any
    accelerator: RunAccelerator
    max_tokens: int = 0
    collate: Collate = field(init=False)

    def __post_init__(self) -> None:
        self.collate = self.task.collator(self.processor)
        self.max_tokens = self.max_tokens or most_tokens(self.task, on_cpu=self.accelerator.device.type == "cpu")

    def predict(
        self, examples: Sequence[Example], *, with_loss: bool = False, advance: Advance | None = None
    ) -> Predictions:
        """One prediction per example."""
        encoded, rows = self.task.encode(examples, self.processor), len(examples)
        found = assemble(self.task, examples, self.decode(encoded, rows, with_loss=with_loss, advance=advance))
        return replace(found, counts=encoded.counts)

    @torch.no_grad()
    def decode(
        self, encoded: Encoded, rows: int, *, with_loss: bool = False, advance: Advance | None = None
    ) -> Decoded:
        """Run the model over all features of ``rows`` examples, longest first, and reduce its outputs to small parts.

        With several processes each takes every n-th batch; parts are gathered by feature index, so nothing is counted
        twice. The model's training mode is restored.
        """
        features, accelerator = encoded.features, self.accelerator
        batches = plan_evaluation([f.length for f in features], max_tokens=self.max_tokens, max_examples=MAX_EXAMPLES)
        was_training = self.model.training
        self.model.eval()
        parts: list[tuple[int, Any]] = []
        total = torch.zeros(2, dtype=torch.float64, device=accelerator.device)
        try:
            for indices in batches[accelerator.process_index :: accelerator.num_processes]:
                batch = to_device(self.collate([features[i] for i in indices]), accelerator.device)
                found, outputs = self.decode_batch(batch, with_outputs=with_loss)
                if len(found) != len(indices):
                    raise PluginError(f"The task gave {len(found)} parts for {len(indices)} features of a batch.")
                parts.extend(zip(indices, found, strict=True))
                if with_loss:
                    loss = self.task.loss(outputs, batch)
                    shown = loss.total if loss.reported is None else loss.reported
                    total += torch.stack([shown.double(), loss.weight.double()]).to(total)
                if advance is not None:
                    advance(len(indices))
        finally:
            self.model.train(was_training)
        if accelerator.num_processes > 1:
            with accelerator.active():
                parts, total = gather_object(parts), accelerator.reduce(total, reduction="sum")
        per_row: list[list[Any]] = [[] for _ in range(rows)]
        for index, part in sorted(parts, key=lambda item: item[0]):
            per_row[features[index].row].append(part)
        loss_sum, weight = total.tolist()
        return Decoded(per_row, loss_sum / weight if with_loss and weight else None)

    def decode_batch(self, batch: Batch, *, with_outputs: bool) -> tuple[list[Any], Any]:
        """One part per feature of a batch on the device, and the outputs of the model.

        A task that generates needs no outputs for it, so they are then ``None`` unless ``with_outputs``.
        """
        task = self.task
        with self.accelerator.autocast():
            outputs = task.forward(self.model, batch) if with_outputs or not task.generates else None
            if task.generates:
                return task.predict_batch(self.model, batch, outputs), outputs
        return task.predict_batch(self.model, batch, outputs), outputs


def decode_split(session: Session, model: nn.Module, split: str, title: str, *, to_the_end: bool = False) -> Decoded:
    """Decode a split of ``session`` with its loss, with a bar named ``title``.

    It is :class:`Interrupted` on request, but for ``to_the_end``, where a training loop does that itself.
    """
    encoded, tokens, done = session.encoded[split], session.settings.evaluation_tokens, 0
    predictor = Predictor(session.task, model, session.processor, session.accelerator, tokens)
    with session.reporter.bar(title, len(encoded.features)) as bar:

        def advance(count: int) -> None:
            nonlocal done
            done += count
            bar.update(done)
            if not to_the_end and session.stop():
                raise Interrupted(f"Stopped while decoding the {split} rows.")

        return predictor.decode(encoded, len(session.examples[split]), with_loss=True, advance=advance)

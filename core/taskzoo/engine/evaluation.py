"""Prediction: outputs are reduced to predictions batch by batch and never kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from accelerate.utils import gather_object
from torch import nn

from taskzoo.data.batching import plan_evaluation
from taskzoo.data.features import StoredFeatures, lengths_of, rows_of
from taskzoo.errors import Interrupted, PluginError
from taskzoo.faults import is_out_of_memory
from taskzoo.task import Task
from taskzoo.types import Batch, Collate, Encoded, Example, Feature, Loss

from .accelerator import RunAccelerator
from .batches import to_device
from .cpu import faster_on_cpu
from .cudnn import without_cudnn_attention
from .prefetch import one_ahead
from .scoring import MAX_EXAMPLES, Decoded, PartsTable, Predictions, assemble, most_tokens
from .session import Session
from .sharding import in_turns

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
        batches = plan_evaluation(lengths_of(features)[0], max_tokens=self.max_tokens, max_examples=MAX_EXAMPLES)
        was_training, on_disk = self.model.training, isinstance(features, StoredFeatures)
        self.model.eval()
        parts: list[tuple[list[int], Any]] = []
        total = torch.zeros(2, dtype=torch.float64, device=accelerator.device)
        try:
            own = batches[accelerator.process_index :: accelerator.num_processes]
            with in_turns(self.model), weights_cast_once(accelerator):
                for planned, batch in self._batches(features, own):
                    for indices, found, loss in self._decoded(features, planned, batch, with_loss=with_loss):
                        parts.append((indices, _compact(found) if on_disk else found))
                        total += loss.to(total)
                    if advance is not None:
                        advance(len(planned))
        finally:
            self.model.train(was_training)
        if accelerator.num_processes > 1:
            with accelerator.active():
                parts, total = gather_object(parts), accelerator.reduce(total, reduction="sum")
        loss_sum, weight = total.tolist()
        return Decoded(by_row(parts, rows_of(features), rows), loss_sum / weight if with_loss and weight else None)

    def _decoded(
        self, features: Sequence[Feature], indices: list[int], batch: Batch, *, with_loss: bool
    ) -> Iterator[tuple[list[int], list[Any], torch.Tensor]]:
        """The parts of a batch, and its loss as in :func:`sums`; where the memory runs out, those of its halves."""
        try:
            found, outputs = self.decode_batch(batch, with_outputs=with_loss)
            loss = sums(self.task.loss(outputs, batch)) if with_loss else torch.zeros(2)
        except (RuntimeError, MemoryError) as error:
            if len(indices) < 2 or self.accelerator.num_processes > 1 or not is_out_of_memory(error):
                raise
        else:
            if len(found) != len(indices):
                raise PluginError(f"The task gave {len(found)} parts for {len(indices)} features of a batch.")
            yield indices, found, loss
            return
        if torch.cuda.is_available():  # outside of the block above, which keeps what was computed
            torch.cuda.empty_cache()
        middle = len(indices) // 2
        for part in (indices[:middle], indices[middle:]):
            yield from self._decoded(features, part, self._batch(features, part), with_loss=with_loss)

    def _batch(self, features: Sequence[Feature], indices: list[int]) -> Batch:
        return to_device(self.collate([features[i] for i in indices]), self.accelerator.device)

    def _batches(self, features: Sequence[Feature], plan: Sequence[list[int]]) -> Iterable[tuple[list[int], Batch]]:
        """The batches of ``plan`` on the device; for a GPU the next one is made while it computes one."""
        make = partial(self._batch, features)
        if self.accelerator.device.type == "cuda":
            return one_ahead(make, plan)
        return ((indices, make(indices)) for indices in plan)

    def decode_batch(self, batch: Batch, *, with_outputs: bool) -> tuple[list[Any], Any]:
        """One part per feature of a batch on the device, and the outputs of the model.

        A task that generates needs no outputs for it, so they are then ``None`` unless ``with_outputs``.
        """
        task = self.task
        with as_evaluated(task, self.accelerator):
            outputs = task.forward(self.model, batch) if with_outputs or not task.generates else None
            if task.generates:
                return task.predict_batch(self.model, batch, outputs), outputs
        return task.predict_batch(self.model, batch, outputs), outputs


def weights_cast_once(accelerator: RunAccelerator) -> AbstractContextManager[Any]:
    """The context around several forward passes of a model that does not change.

    What one of them has cast stays for the next until the outermost autocast ends, be it switched off.
    """
    return torch.autocast(accelerator.device.type, enabled=False)


@contextmanager
def as_evaluated(task: Task, accelerator: RunAccelerator) -> Iterator[None]:
    """The context in which a forward pass without gradients has the precision of the run."""
    half = accelerator.mixed_precision != "no"
    faster = faster_on_cpu(accelerator.device) if half and not task.generates else nullcontext()
    with accelerator.autocast(), faster, without_cudnn_attention():
        yield


def _compact(found: list[Any]) -> Any:
    """The parts of a batch as one array, where they are arrays of one shape."""
    alike = all(isinstance(part, np.ndarray) for part in found) and len({(p.shape, p.dtype) for p in found}) == 1
    return np.stack(found) if alike else found


def sums(loss: Loss) -> torch.Tensor:
    """The loss that is shown, summed, and its weight: ``[2]``, float64."""
    shown = loss.total if loss.reported is None else loss.reported
    return torch.stack([shown.detach().double(), loss.weight.double()])


def by_row(parts: Sequence[tuple[list[int], Any]], row_of: np.ndarray, rows: int) -> Sequence[list[Any]]:
    """The parts of each row, in the order of its features, from those of batches with the numbers of their features."""
    shapes = {(found.shape[1:], found.dtype) if isinstance(found, np.ndarray) else None for _, found in parts}
    if len(shapes) == 1 and (alike := shapes.pop()) is not None:
        table = np.empty((len(row_of), *alike[0]), alike[1])
        for indices, found in parts:
            table[indices] = found
        return PartsTable(table, row_of, rows)
    of_feature = {index: part for indices, found in parts for index, part in zip(indices, found, strict=True)}
    per_row: list[list[Any]] = [[] for _ in range(rows)]
    for index in sorted(of_feature):
        per_row[int(row_of[index])].append(of_feature[index])
    return per_row


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

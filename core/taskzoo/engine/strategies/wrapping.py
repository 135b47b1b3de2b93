"""An objective around another."""

from __future__ import annotations

from typing import Any

from taskzoo.task import Objective
from taskzoo.types import Batch, Loss


class Wrapped(Objective):
    """By default that of ``inner``. A subclass changes the pass, the loss or both, and calls ``inner`` for the rest."""

    def __init__(self, inner: Objective) -> None:
        self.inner = inner
        self.batch_coupled = inner.batch_coupled

    def forward(self, model: Any, batch: Batch) -> Any:
        return self.inner.forward(model, batch)

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        return self.inner.loss(outputs, batch, label_smoothing=label_smoothing)

"""R-Drop: two passes with different dropout are to agree (Wu et al. 2021)."""

from __future__ import annotations

from typing import Any

from taskzoo.models.divergence import divergence
from taskzoo.task import Objective, Task
from taskzoo.types import Batch, Loss

from .wrapping import Wrapped


class RDrop(Wrapped):
    """The mean loss of two passes, and ``alpha`` times the mean of their divergences from one another."""

    def __init__(self, inner: Objective, task: Task, alpha: float) -> None:
        """``task``: whose outputs ``inner`` has."""
        super().__init__(inner)
        self._task, self._alpha = task, alpha

    def forward(self, model: Any, batch: Batch) -> tuple[Any, Any]:
        return super().forward(model, batch), super().forward(model, batch)

    def loss(self, outputs: tuple[Any, Any], batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        one, other = (super(RDrop, self).loss(each, batch, label_smoothing=label_smoothing) for each in outputs)
        first, second = (self._task.target_logits(each, batch) for each in outputs)
        targets = self._task.logit_targets
        assert targets is not None  # check_strategies
        apart = (divergence(first, second, targets.kind) + divergence(second, first, targets.kind)) / 2
        plain = [each.total.detach() if each.reported is None else each.reported for each in (one, other)]
        return Loss((one.total + other.total) / 2 + self._alpha * apart, one.weight, (plain[0] + plain[1]) / 2)

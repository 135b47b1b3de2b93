"""Adversarial training on embeddings (Miyato et al. 2017, also called FGM)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from taskzoo.task import Objective
from taskzoo.types import Batch, Loss

from .embeddings import changed
from .wrapping import Wrapped


@dataclass(slots=True)
class _Pass:
    """Outputs of a pass, with the model and the embeddings that it read."""

    model: Any
    outputs: Any
    read: list[Tensor] = field(default_factory=list)


class Adversarial(Wrapped):
    """The loss is that of the batch and that of the same with embeddings moved to where the loss rises fastest.

    Each sequence is moved as a whole: by ``epsilon * g / |g|``, where ``g`` ``[T, H]`` is the gradient of the loss at
    its embeddings. So a batch and its parts give the same. The tables themselves never change.
    """

    def __init__(
        self,
        inner: Objective,
        tables: Sequence[nn.Embedding],
        epsilon: float,
        autocast: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        super().__init__(inner)
        self._tables, self._epsilon, self._autocast = tables, epsilon, autocast

    def forward(self, model: Any, batch: Batch) -> _Pass:
        made = _Pass(model, None)

        def watch(_: nn.Embedding, ids: Tensor, output: Tensor) -> Tensor:
            # a frozen table gives what needs no gradient
            made.read.append(output if output.requires_grad else output.detach().requires_grad_())
            return made.read[-1]

        with changed(self._tables, watch):
            made.outputs = super().forward(model, batch)
        return made

    def loss(self, outputs: _Pass, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        plain = super().loss(outputs.outputs, batch, label_smoothing=label_smoothing)
        gradients = torch.autograd.grad(plain.total, outputs.read, retain_graph=True, allow_unused=True)
        moves = [_move(at, g, self._epsilon) for at, g in zip(outputs.read, gradients, strict=True)]
        waiting = iter(moves)
        with self._autocast(), changed(self._tables, lambda table, ids, output: output + next(waiting).to(output)):
            again = super().forward(outputs.model, batch)
        moved = super().loss(again, batch, label_smoothing=label_smoothing)
        reported = plain.total.detach() if plain.reported is None else plain.reported
        return Loss(plain.total + moved.total, plain.weight, reported)


def _move(at: Tensor, gradient: Tensor | None, epsilon: float) -> Tensor:
    """``epsilon`` in the direction of ``gradient`` ``[B, T, H]`` for each sequence; nowhere where that is 0."""
    if gradient is None:
        return torch.zeros_like(at)
    gradient = gradient.float()
    norm = gradient.flatten(1).norm(dim=1).view(-1, *[1] * (gradient.ndim - 1))
    return torch.where(norm > 0, epsilon * gradient / norm, 0.0)

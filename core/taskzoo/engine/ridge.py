"""Fitting the last linear layer to what it is given: a convex problem, solved exactly.

It needs no learning rate (linear probing: Alain & Bengio 2016). The layer minimises the task's own loss plus a ridge
penalty whose strength is chosen on held-out rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from taskzoo.errors import TrainingError
from taskzoo.task import Task

from .last_layer import Inputs, last_linear, loss_of

PENALTIES = (1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 3.0)
"""Strengths of the ridge that are tried, on inputs of mean 0 and mean square 1."""
FOLDS = 5
ITERATIONS = 200
TOKEN_PENALTIES, TOKEN_ITERATIONS = (1e-4, 1e-2, 3e-1), 40
"""The same for tokens, which are many: their head is only a start."""


@dataclass(slots=True)
class ProbeData:
    """What the last layer is fitted on: ``train``, and the row of each ``[N]``, so that windows of a row stay together.

    The ridge is chosen by the loss on ``validation``, or by cross-validation over training rows; not on ``further``.
    Of weaker and weaker penalties, ``quick`` tries no more after two that were worse than one before. With ``anchor``,
    weight and bias of an earlier head, the ridge is on the distance from it, bias included: what the rows do not speak
    of stays as it is.
    """

    train: Inputs
    rows: np.ndarray
    validation: Inputs | None = None
    further: Inputs | None = None
    of_tokens: bool = False
    quick: bool = False
    anchor: Sequence[Tensor] = ()


def fit_probe(model: PreTrainedModel, task: Task, given: ProbeData, *, seed: int) -> dict[str, Any]:
    """Set the last layer of ``model`` to the minimum of the task's loss with a ridge; ``seed`` draws the folds.

    It gives ``{"penalty": ..., "chosen_by": ..., "losses": {penalty: held-out loss}}``.

    Raises:
        TrainingError: the vectors are not finite.
        RequestError: the task's loss needs more than logits.
    """
    train, layer = given.train, last_linear(model)
    if not torch.isfinite(train.vectors).all():
        raise TrainingError("The model produced non-finite embeddings for some training texts; use precision=fp32.")
    centre = train.vectors.mean(0) if layer.bias is not None else torch.zeros_like(train.vectors[0])
    scale = (train.vectors - centre).square().mean().sqrt().clamp(min=1e-6)

    def standard(inputs: Inputs) -> Inputs:
        return replace(inputs, vectors=(inputs.vectors - centre) / scale)

    fit = standard(train)
    if given.validation is not None:
        trials, chosen_by = [(fit, standard(given.validation))], "validation"
    else:
        fold = _folds(given.rows, seed)
        trials = [(fit.take(np.flatnonzero(fold != k)), fit.take(np.flatnonzero(fold == k))) for k in range(FOLDS)]
        trials, chosen_by = [(a, b) for a, b in trials if len(a.vectors) and len(b.vectors)], "cross-validation"
    penalties, iterations = (TOKEN_PENALTIES, TOKEN_ITERATIONS) if given.of_tokens else (PENALTIES, ITERATIONS)
    losses, solved = dict[float, float](), dict[float, list[Tensor]]()
    origin = [torch.zeros_like(parameter) for parameter in layer.parameters()]
    if given.anchor:
        weight, *bias = given.anchor
        origin = [weight * scale, *(value + weight @ centre for value in bias)]
    for part, other in trials:
        start, best_so_far, worse = origin, float("inf"), 0
        for penalty in reversed(penalties):
            ridge = _Ridge(penalty, origin, anchored=bool(given.anchor))
            start = _solve(task, part, start, (ridge, iterations), tolerance=1e-4)
            loss, solved[penalty] = _mean_loss(task, other, start).item(), start
            losses[penalty] = losses.get(penalty, 0.0) + loss / len(trials)
            best_so_far, worse = min(best_so_far, loss), worse + 1 if loss >= best_so_far else 0
            if given.quick and len(trials) == 1 and worse == 2:
                break
    best = min(losses, key=lambda penalty: losses[penalty]) if trials else penalties[len(penalties) // 4]
    if given.further is not None:
        fit = fit.joined(standard(given.further))
    ridge = _Ridge(best, origin, anchored=bool(given.anchor))
    begin = solved[best] if given.validation is not None else origin  # which was fitted on the same rows
    weight, *bias = _solve(task, fit, begin, (ridge, iterations), tolerance=1e-5)
    with torch.no_grad():
        layer.weight.copy_(weight / scale)
        for value in bias:
            layer.bias.copy_(value - (weight / scale) @ centre)
    return {"penalty": best, "chosen_by": chosen_by, "losses": {f"{p:g}": value for p, value in losses.items()}}


def _folds(rows: np.ndarray, seed: int) -> np.ndarray:
    names, place = np.unique(rows, return_inverse=True)
    fold: np.ndarray = np.random.default_rng(seed).permutation(len(names))[place] % FOLDS
    return fold


@dataclass(frozen=True, slots=True)
class _Ridge:
    """``penalty`` times half the squared distance of the weights from ``origin``; ``anchored``: the bias's as well."""

    penalty: float
    origin: Sequence[Tensor]
    anchored: bool

    def __call__(self, layer: Sequence[Tensor]) -> Tensor:
        parts = zip(layer, self.origin, strict=True) if self.anchored else [(layer[0], self.origin[0])]
        return torch.stack([0.5 * self.penalty * (ours - theirs).square().sum() for ours, theirs in parts]).sum()


def _solve(
    task: Task, inputs: Inputs, start: list[Tensor], ridge_iterations: tuple[_Ridge, int], *, tolerance: float
) -> list[Tensor]:
    """Weight and, if there is one, bias at the minimum by L-BFGS (Liu & Nocedal 1989), from ``start``."""
    ridge, iterations = ridge_iterations
    layer = [value.clone().requires_grad_() for value in start]
    optimizer = torch.optim.LBFGS(
        layer, max_iter=iterations, history_size=10, tolerance_grad=tolerance, line_search_fn="strong_wolfe"
    )

    def closure() -> Any:
        optimizer.zero_grad()
        objective = _mean_loss(task, inputs, layer) + ridge(layer)
        torch.autograd.backward(objective)
        return objective

    step: Any = optimizer.step
    step(closure)
    return [value.detach() for value in layer]


def _mean_loss(task: Task, inputs: Inputs, layer: list[Tensor]) -> Tensor:
    loss = loss_of(task, nn.functional.linear(inputs.vectors, *layer), inputs.targets)
    return loss.total / loss.weight.clamp(min=1e-12)

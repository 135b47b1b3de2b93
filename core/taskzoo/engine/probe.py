"""Training only the last linear layer: each text is encoded once, then a convex problem is solved exactly.

The backbone's output is the same in every epoch, so a probe needs one pass over the data and no learning rate
(linear probing: Alain & Bengio 2016). The layer minimises the task's own loss plus a ridge penalty whose strength is
chosen on held-out rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel

from taskzoo.data.batching import plan_evaluation
from taskzoo.errors import RequestError, TrainingError
from taskzoo.task import Batch, Feature, Task

from .batches import to_device
from .freezing import new_module_names

if TYPE_CHECKING:
    from accelerate import Accelerator

PENALTIES = (1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 3.0)
"""Strengths of the ridge that are tried, on inputs of mean 0 and mean square 1."""
FOLDS = 5
ITERATIONS = 200


@dataclass(slots=True)
class Inputs:
    """What the last layer is given: ``vectors`` ``[N, H]`` in float32, and the targets of the same examples."""

    vectors: torch.Tensor
    targets: dict[str, torch.Tensor]

    def take(self, indices: np.ndarray) -> Inputs:
        """The examples at ``indices``."""
        chosen = torch.as_tensor(indices, device=self.vectors.device)
        return Inputs(self.vectors[chosen], {name: value[chosen] for name, value in self.targets.items()})

    def joined(self, other: Inputs) -> Inputs:
        """These examples, then those."""
        targets = {name: torch.cat([value, other.targets[name].to(value)]) for name, value in self.targets.items()}
        return Inputs(torch.cat([self.vectors, other.vectors]), targets)


def last_linear(model: PreTrainedModel) -> nn.Linear:
    """The linear layer that makes the logits.

    Raises:
        RequestError: the head does not end in one.
    """
    for name in reversed(new_module_names(model)):
        layers = [m for m in model.get_submodule(name).modules() if isinstance(m, nn.Linear)]
        if layers:
            return layers[-1]
    raise RequestError("This method trains the last linear layer of the head, and this head has none.")


@contextmanager
def captured_input(layer: nn.Linear) -> Iterator[list[torch.Tensor]]:
    """Within the context, what ``layer`` is given in each forward pass is kept in the list."""
    kept: list[torch.Tensor] = []
    hook = layer.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0]))
    try:
        yield kept
    finally:
        hook.remove()


@torch.no_grad()
def encode_once(
    model: PreTrainedModel,
    features: Sequence[Feature],
    collate: Callable[[Sequence[Feature]], Batch],
    accelerator: Accelerator,
    *,
    max_tokens: int,
    advance: Callable[[int], None],
) -> Inputs:
    """One forward pass over ``features`` without dropout, in their order.

    Raises:
        RequestError: the layer works on tokens, not on whole texts.
    """
    layer, was_training = last_linear(model), model.training
    model.eval()
    order: list[int] = []
    vectors, targets = [], []
    batches = plan_evaluation([len(f["input_ids"]) for f in features], max_tokens=max_tokens, max_examples=128)
    with captured_input(layer) as kept:
        for indices in batches:
            batch = to_device(collate([features[i] for i in indices]), accelerator.device)
            with accelerator.autocast():
                model(**batch["inputs"])
            given = kept.pop()
            if given.dim() != 2:
                raise RequestError(
                    "method=linear-probe and contrastive need one vector per text; this head works on every token. "
                    "Take method=full or lora, or where the task has it, pooling=mean."
                )
            order += indices
            vectors.append(given.float())
            targets.append(batch["targets"])
            advance(len(indices))
    model.train(was_training)
    back = torch.as_tensor(np.argsort(order), device=accelerator.device)
    joined = {name: torch.cat([t[name] for t in targets])[back] for name in targets[0]}
    return Inputs(torch.cat(vectors)[back], joined)


def fit_probe(
    model: PreTrainedModel,
    task: Task,
    train: Inputs,
    validation: Inputs | None,
    rows: np.ndarray,
    *,
    seed: int,
    more: Inputs | None = None,
) -> dict[str, Any]:
    """Set the last layer of ``model`` to the minimum of the task's loss with a ridge.

    The ridge is chosen by the loss on ``validation``, or by cross-validation over training rows where there is none.

    Args:
        rows: the row of each training example, so that windows of a row stay together; shape ``[N]``.
        more: examples to learn from that the ridge is not chosen on.

    Returns:
        ``{"penalty": ..., "chosen_by": ..., "losses": {penalty: held-out loss}}``.

    Raises:
        TrainingError: the vectors are not finite.
    """
    if not torch.isfinite(train.vectors).all():
        raise TrainingError("What the model makes of some training texts is not finite; use precision=fp32.")
    layer = last_linear(model)
    centre = train.vectors.mean(0) if layer.bias is not None else torch.zeros_like(train.vectors[0])
    scale = (train.vectors - centre).square().mean().sqrt().clamp(min=1e-6)
    fit, held = _standard(train, centre, scale), None if validation is None else _standard(validation, centre, scale)
    if held is not None:
        trials = [(fit, held)]
        chosen_by = "validation"
    else:
        fold = _folds(rows, seed)
        trials = [(fit.take(np.flatnonzero(fold != k)), fit.take(np.flatnonzero(fold == k))) for k in range(FOLDS)]
        trials = [(a, b) for a, b in trials if len(a.vectors) and len(b.vectors)]
        chosen_by = "cross-validation"
    losses: dict[float, float] = dict.fromkeys(PENALTIES, 0.0)
    for part, other in trials:
        start = None
        for penalty in reversed(PENALTIES):
            start = _solve(task, part, layer, penalty, start, tolerance=1e-4)
            losses[penalty] += _loss(task, other, *start) / len(trials)
    best = min(losses, key=lambda penalty: losses[penalty]) if trials else PENALTIES[2]
    if more is not None:
        fit = fit.joined(_standard(more, centre, scale))
    weight, bias = _solve(task, fit, layer, best, None, tolerance=1e-5)
    with torch.no_grad():
        layer.weight.copy_(weight / scale)
        if layer.bias is not None:
            layer.bias.copy_(bias - (weight / scale) @ centre)
    return {"penalty": best, "chosen_by": chosen_by, "losses": {f"{p:g}": value for p, value in losses.items()}}


def _standard(inputs: Inputs, centre: torch.Tensor, scale: torch.Tensor) -> Inputs:
    return Inputs((inputs.vectors - centre) / scale, inputs.targets)


def _folds(rows: np.ndarray, seed: int) -> np.ndarray:
    names, place = np.unique(rows, return_inverse=True)
    fold: np.ndarray = np.random.default_rng(seed).permutation(len(names))[place] % FOLDS
    return fold


def _loss(task: Task, inputs: Inputs, weight: torch.Tensor, bias: torch.Tensor) -> float:
    with torch.no_grad():
        total, count = _of(task, inputs, weight, bias)
    return float(total / count.clamp(min=1e-12))


def _of(task: Task, inputs: Inputs, weight: torch.Tensor, bias: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    outputs = SimpleNamespace(logits=nn.functional.linear(inputs.vectors, weight, bias))
    return task.loss(outputs, {"inputs": {}, "targets": inputs.targets})


def _solve(
    task: Task,
    inputs: Inputs,
    layer: nn.Linear,
    penalty: float,
    start: tuple[torch.Tensor, torch.Tensor] | None,
    *,
    tolerance: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The minimum by L-BFGS (Liu & Nocedal 1989), from ``start`` or zero."""
    shape, device = layer.weight.shape, inputs.vectors.device
    weight = torch.zeros(shape, device=device) if start is None else start[0].clone()
    bias = torch.zeros(shape[0], device=device) if start is None else start[1].clone()
    parameters = [p.requires_grad_() for p in ((weight, bias) if layer.bias is not None else (weight,))]
    optimizer = torch.optim.LBFGS(
        parameters, max_iter=ITERATIONS, history_size=10, tolerance_grad=tolerance, line_search_fn="strong_wolfe"
    )

    def closure() -> Any:
        optimizer.zero_grad()
        total, count = _of(task, inputs, weight, bias)
        objective = total / count.clamp(min=1e-12) + 0.5 * penalty * weight.square().sum()
        torch.autograd.backward(objective)
        return objective

    step: Any = optimizer.step
    step(closure)
    return weight.detach(), bias.detach()

"""Cross-entropy over a large vocabulary without ever holding all logits.

A batch of 2,000 target tokens over a vocabulary of 250,000 has half a billion logits: 2 GB in float32, and as much
again for their gradient. Here the last linear layer and the loss are computed together, a chunk of tokens at a time. A
chunk's gradient is known as soon as its logits are, so it is multiplied into the gradients of states and weight at once
(Hsu et al. 2024, Liger Kernel; compare Wijmans et al. 2024, Cut Cross-Entropy, which computes logits twice instead).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from taskzoo.types import IGNORE_INDEX, Loss

from .vocabulary import HiddenStates

CHUNK_BYTES = 2**27
"""Size of a chunk of logits in float32. Smaller ones read and write the gradient of the weight more often."""
BLOCK = 8192
"""Tokens of the vocabulary whose gradient is computed at once in half precision, before it is added in float32."""


def vocabulary_cross_entropy(
    hidden: HiddenStates, targets: torch.Tensor, *, label_smoothing: float = 0.0, chunk_tokens: int = 0
) -> Loss:
    """:func:`.losses.cross_entropy` of the logits of ``hidden``.

    Only positions whose target is not ``IGNORE_INDEX`` are computed, and gradients only of what needs them. Softmax and
    sums are computed in float32, or float64 where states or weight are.

    Args:
        hidden: states of shape ``[..., H]``, and the output layer.
        targets: ids below V, shape ``[...]``.
        label_smoothing: mass spread evenly over all V tokens. The plain sum is then reported, from the same logits.
        chunk_tokens: tokens whose logits are held at once (0: as many as fill :data:`CHUNK_BYTES`).
    """
    weight, bias, dtype = hidden.weight, hidden.bias, hidden.dtype
    targets = targets.reshape(-1)
    active = targets != IGNORE_INDEX
    chosen = active.nonzero().squeeze(1)
    states = hidden.states.reshape(-1, hidden.states.shape[-1]).index_select(0, chosen)
    device = states.device.type
    if dtype is None:
        within = torch.is_autocast_enabled(device)
        dtype = torch.get_autocast_dtype(device) if within else torch.promote_types(states.dtype, weight.dtype)
    chunk = chunk_tokens or max(1, CHUNK_BYTES // (4 * weight.shape[0]))
    plan = _Plan(targets.index_select(0, chosen), label_smoothing, min(chunk, max(1, len(chosen))), dtype)
    if torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in (states, weight, bias)):
        total, plain = _ChunkedLoss.apply(states, weight, bias, plan)  # type: ignore[no-untyped-call]
    else:
        (total, plain), _ = _compute(states, weight, bias, plan, (False, False, False))
    return Loss(total, active.sum(), plain if label_smoothing else None)


@dataclass(slots=True)
class _Plan:
    targets: torch.Tensor
    """Shape ``[N]``, all active."""
    label_smoothing: float
    chunk: int
    dtype: torch.dtype


Gradients = list[torch.Tensor | None]


class _ChunkedLoss(torch.autograd.Function):
    """Gradients are made in the forward pass. A second backward pass over the same graph computes them again."""

    @staticmethod
    def forward(ctx: Any, states: Any, weight: Any, bias: Any, plan: _Plan) -> tuple[torch.Tensor, torch.Tensor]:
        ctx.plan = plan
        ctx.save_for_backward(states, weight, bias)
        (total, plain), ctx.gradients = _compute(states, weight, bias, plan, ctx.needs_input_grad[:3])
        ctx.mark_non_differentiable(plain)
        return total, plain

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, scale: torch.Tensor, _: Any) -> tuple[torch.Tensor | None, ...]:
        states, weight, bias = ctx.saved_tensors  # refused by torch where they are gone or have been changed
        gradients, ctx.gradients = ctx.gradients, None
        if gradients is None:
            gradients = _compute(states, weight, bias, ctx.plan, ctx.needs_input_grad[:3])[1]
        return (*(None if gradient is None else gradient.mul_(scale) for gradient in gradients), None)


@torch.no_grad()
def _compute(
    states: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, plan: _Plan, wanted: tuple[bool, ...]
) -> tuple[tuple[torch.Tensor, torch.Tensor], Gradients]:
    """The smoothed and the plain sum of the losses of states ``[N, H]``, and gradients.

    These are of what is ``wanted`` of states, weight and bias.
    """
    exact = torch.promote_types(torch.promote_types(states.dtype, weight.dtype), torch.float32)
    device, vocabulary, size = states.device, weight.shape[0], plan.chunk
    # the gradient of a logit is often below what float16 can tell from 0
    narrow = exact if plan.dtype == torch.float16 else plan.dtype
    sums = torch.zeros(2, dtype=exact, device=device)
    of_states = torch.empty_like(states) if wanted[0] else None
    of_weight = torch.zeros(weight.shape, dtype=exact, device=device) if wanted[1] else None
    of_bias = torch.zeros(vocabulary, dtype=exact, device=device) if wanted[2] else None
    matrix = weight.to(plan.dtype)
    narrow_matrix = matrix if narrow == plan.dtype else weight.to(narrow)
    logits = torch.empty(size, vocabulary, dtype=exact, device=device)
    low = None if exact == plan.dtype else torch.empty(size, vocabulary, dtype=plan.dtype, device=device)
    with torch.autocast(device.type, enabled=False):
        for start in range(0, len(states), size):
            part, target = states[start : start + size], plan.targets[start : start + size, None]
            scores = logits[: len(part)]
            if low is None:
                torch.mm(part.to(exact), matrix.T, out=scores)
            else:
                scores.copy_(torch.mm(part.to(plan.dtype), matrix.T, out=low[: len(part)]))
            if bias is not None:
                scores += bias
            sums += _losses_to_gradients(scores, target, plan.label_smoothing)
            if not any(wanted):
                continue
            if of_bias is not None:
                of_bias += scores.sum(0)
            slope = scores if narrow == exact or low is None else low[: len(part)].copy_(scores)
            if of_states is not None:
                of_states[start : start + size] = slope @ narrow_matrix
            if of_weight is not None:
                _add_product(of_weight, slope, part.to(narrow))
    gradients = zip((of_states, of_weight, of_bias), (states, weight, bias), strict=True)
    return (sums[0].clone(), sums[1].clone()), [
        None if g is None or of is None else g.to(of.dtype) for g, of in gradients
    ]


def _losses_to_gradients(scores: torch.Tensor, target: torch.Tensor, smoothing: float) -> torch.Tensor:
    """The smoothed and the plain sum of the losses of logits ``[n, V]``, which are overwritten by their gradient.

    ``target`` is ``[n, 1]``; shape of the result ``[2]``.
    """
    top = scores.amax(-1, keepdim=True)
    scores -= top
    of_target = scores.gather(1, target)
    mean = scores.mean(-1, keepdim=True) if smoothing else 0.0
    scores.exp_()
    mass = scores.sum(-1, keepdim=True)
    logarithm = mass.log()
    losses = logarithm - (1 - smoothing) * of_target - smoothing * mean
    scores /= mass
    if smoothing:
        scores -= smoothing / scores.shape[1]
    scores.scatter_add_(1, target, torch.full_like(of_target, smoothing - 1))
    return torch.stack([losses.sum(), (logarithm - of_target).sum()])


def _add_product(into: torch.Tensor, slope: torch.Tensor, states: torch.Tensor) -> None:
    """Add ``slope.T @ states`` to ``into`` ``[V, H]``, in its precision."""
    if into.dtype == slope.dtype:
        into.addmm_(slope.T, states)
        return
    for start in range(0, len(into), BLOCK):
        into[start : start + BLOCK] += slope[:, start : start + BLOCK].T @ states

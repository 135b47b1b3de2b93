"""How far predictions are from others."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from taskzoo.types import LogitKind


def divergence(logits: Tensor, others: Tensor, kind: LogitKind, temperature: float = 1.0) -> Tensor:
    """The sum over targets of the Kullback-Leibler divergence of ``logits`` from ``others``, which are the truth.

    Args:
        logits: shape ``[N, L]``.
        others: of the same shape.
        kind: ``softmax``: one of L labels; ``sigmoid``: L decisions, each counted; ``value``: numbers, of which it is
            the squared difference, without temperature.
        temperature: both are divided by it, and the sum is multiplied by its square (Hinton et al. 2015).
    """
    if kind == "value":
        return (logits.float() - others.float()).square().sum()
    found, wanted = logits.float() / temperature, others.float() / temperature
    if kind == "sigmoid":
        found, wanted = (torch.stack([each, -each], dim=-1) for each in (found, wanted))
        apart = functional.kl_div(
            functional.logsigmoid(found), functional.logsigmoid(wanted), reduction="sum", log_target=True
        )
    else:
        apart = functional.kl_div(found.log_softmax(-1), wanted.log_softmax(-1), reduction="sum", log_target=True)
    return apart * temperature**2

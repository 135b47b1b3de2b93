"""A scaling of the logits, folded into the last linear layer of the model that is saved.

A run's predictions are not made from the bare logits: a classifier divides them by a temperature, and a number is
trained on targets of mean 0 and deviation 1. Plain ``transformers`` knows of neither. So the saved layer gives the
scaled logits, and the same scaling is taken out when the run is loaded: in between everything is as in training, which
also keeps large numbers out of half precision.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from transformers import PreTrainedModel

from taskzoo.types import NO_SCALING

from .last_layer import last_linear

Scaling = tuple[float, float]
"""``(factor, offset)``: scaled logits are ``factor * logits + offset``."""


@contextmanager
def folded(model: PreTrainedModel, scaling: Scaling) -> Iterator[None]:
    """Within the context the model gives the scaled logits; then it is what :func:`unfold` makes of the saved one."""
    if scaling != NO_SCALING:
        _scale(model, *scaling)
    try:
        yield
    finally:
        unfold(model, scaling)


def unfold(model: PreTrainedModel, scaling: Scaling) -> None:
    """The inverse of what :func:`folded` did to the model that was saved."""
    factor, offset = scaling
    if scaling != NO_SCALING:
        _scale(model, 1 / factor, -offset / factor)


@torch.no_grad()
def _scale(model: PreTrainedModel, factor: float, offset: float) -> None:
    layer = last_linear(model)
    layer.weight.mul_(factor)
    if layer.bias is not None:
        layer.bias.mul_(factor).add_(offset)
    elif offset:
        raise ValueError("The last layer has no bias to hold an offset of the logits.")

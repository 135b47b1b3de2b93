"""Positions that are a fixed function of their number."""

from __future__ import annotations

from torch import nn


def freeze_sinusoids(model: nn.Module) -> None:
    """Freeze positions that are a fixed function (Marian, Pegasus).

    ``transformers`` computes them without a gradient but loads them as trainable, which a distributed run refuses.
    """
    for module in model.modules():
        if isinstance(module, nn.Embedding) and "Sinusoidal" in type(module).__name__:
            module.weight.requires_grad_(False)

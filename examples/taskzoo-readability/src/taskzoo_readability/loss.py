"""The loss: squared error as a sum and a weight."""

from __future__ import annotations

import torch

from taskzoo import Loss


def squared_error(logits: torch.Tensor, values: torch.Tensor) -> Loss:
    """The sum of squared errors over known targets and their number. Logits ``[B, 1]``, values ``[B]``."""
    known = ~values.isnan()
    error = torch.where(known, logits.squeeze(-1).float() - values.nan_to_num(), 0.0)
    return Loss(error.square().sum(), known.sum())

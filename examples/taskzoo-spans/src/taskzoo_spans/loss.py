"""The loss: binary cross-entropy of each span with each label."""

from __future__ import annotations

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from taskzoo import Batch, Loss


def span_loss(logits: torch.Tensor, batch: Batch) -> Loss:
    """The sum over known spans and all labels, and the number of known spans. Logits ``[B, N, W, L]``."""
    active = batch.targets["active"]
    errors = binary_cross_entropy_with_logits(logits.float(), batch.targets["gold"], reduction="none").sum(-1)
    return Loss(torch.where(active, errors, 0.0).sum(), active.sum())

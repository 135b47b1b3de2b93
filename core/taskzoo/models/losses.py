"""Losses as a sum and a weight, so that the engine can normalise once over micro-batches and ranks."""

from __future__ import annotations

import torch
from torch.nn import functional

from taskzoo.task import IGNORE_INDEX


def cross_entropy(
    logits: torch.Tensor, targets: torch.Tensor, *, label_smoothing: float = 0.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cross-entropy over the positions whose target is not ``IGNORE_INDEX``.

    Args:
        logits: shape ``[..., num_labels]``.
        targets: label ids, shape ``[...]``.
        label_smoothing: mass spread evenly over all labels (Szegedy et al. 2016); ignored targets are left out of
            both of its terms.

    Returns:
        The sum in float32 and the number of active targets, both scalars.
    """
    loss = functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]).float(),
        targets.reshape(-1),
        ignore_index=IGNORE_INDEX,
        reduction="sum",
        label_smoothing=label_smoothing,
    )
    return loss, (targets != IGNORE_INDEX).sum()

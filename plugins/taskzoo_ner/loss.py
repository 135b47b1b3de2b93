"""The loss of a CRF, and the logits of words."""

from __future__ import annotations

from typing import Any

import torch

from taskzoo.types import IGNORE_INDEX, Batch, Loss

from .crf import log_likelihood


def word_logits(logits: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """The logits of each word's first sub-token: ``[B, T, L]`` at ``[B, W]`` gives ``[B, W, L]`` in float32."""
    return logits.gather(1, positions.unsqueeze(-1).expand(-1, -1, logits.shape[-1])).float()


def crf_loss(outputs: Any, batch: Batch) -> Loss:
    """Negative log-likelihood of whole windows, and their number of words, so that it compares with a loss per word.

    Words without a known label count as ``O`` (label id 0) in a sequence: a CRF needs every position.
    A window without any label does not count.
    """
    targets = batch.targets
    mask, tags = targets["word_mask"], targets["word_tags"]
    mask = mask & (tags != IGNORE_INDEX).any(dim=1, keepdim=True)
    emissions = word_logits(outputs.logits, targets["word_positions"])
    return Loss(-log_likelihood(emissions, tags.clamp(min=0), mask, outputs.scores).sum(), mask.sum())

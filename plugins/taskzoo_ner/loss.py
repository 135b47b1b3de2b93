"""The losses: cross-entropy per word, or the CRF's negative log-likelihood."""

from __future__ import annotations

from typing import Any

import torch

from taskzoo import IGNORE_INDEX
from taskzoo.models.losses import cross_entropy
from taskzoo.task import Batch

from .crf import log_likelihood


def word_logits(logits: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """The logits of each word's first sub-token: ``[B, T, L]`` at ``[B, W]`` gives ``[B, W, L]`` in float32."""
    return logits.gather(1, positions.unsqueeze(-1).expand(-1, -1, logits.shape[-1])).float()


def linear_loss(outputs: Any, batch: Batch, *, label_smoothing: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Summed cross-entropy over first sub-tokens of owned words, and their number."""
    return cross_entropy(outputs.logits, batch["targets"]["labels"], label_smoothing=label_smoothing)


def crf_loss(outputs: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Negative log-likelihood of whole windows, and their number of words, so that it compares with a loss per word.

    Words without a known label count as ``O`` (label id 0) in a sequence: a CRF needs every position.
    A window without any label has no part in it.
    """
    targets = batch["targets"]
    mask, tags = targets["word_mask"], targets["word_tags"]
    labelled = (tags != IGNORE_INDEX).any(dim=1, keepdim=True)
    mask = mask & labelled
    emissions = word_logits(outputs.logits, targets["word_positions"])
    likelihood = log_likelihood(emissions, tags.clamp(min=0), mask, outputs.transitions, outputs.start, outputs.end)
    return -likelihood.sum(), mask.sum()

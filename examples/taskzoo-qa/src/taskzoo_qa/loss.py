"""The loss: cross-entropy of the first and of the last token of the answer, half of each."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import cross_entropy

from taskzoo import IGNORE_INDEX, Batch, Loss


def span_loss(outputs: Any, batch: Batch) -> Loss:
    """The sum over windows with a known target, and their number; only allowed tokens compete."""
    given = batch.targets
    total = outputs.start_logits.new_zeros((), dtype=torch.float32)
    for logits, allowed, targets in (
        (outputs.start_logits, given["begins"], given["starts"]),
        (outputs.end_logits, given["stops"], given["ends"]),
    ):
        scores = logits.float().masked_fill(~allowed, torch.finfo(torch.float32).min)
        total = total + cross_entropy(scores, targets, ignore_index=IGNORE_INDEX, reduction="sum") / 2
    return Loss(total, (given["starts"] != IGNORE_INDEX).sum())

"""Connectionist temporal classification (Graves et al. 2006): loss, lengths, and outputs to characters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch.nn import functional

from taskzoo import Loss

BLANK = 0
"""The output that stands for no character; the model's configuration calls it the pad token."""


def frames_of(samples: int, kernels: Sequence[int], strides: Sequence[int]) -> int:
    """Outputs of convolutions without padding for an input of so many samples."""
    for kernel, stride in zip(kernels, strides, strict=True):
        samples = max(0, (samples - kernel) // stride + 1)
    return samples


def samples_for(frames: int, kernels: Sequence[int], strides: Sequence[int]) -> int:
    """The fewest samples that give so many outputs."""
    for kernel, stride in zip(reversed(kernels), reversed(strides), strict=True):
        frames = (frames - 1) * stride + kernel
    return frames


def frames_needed(target: Sequence[int]) -> int:
    """Outputs that spell ``target``: between two equal characters there must be a blank."""
    return len(target) + sum(one == two for one, two in pairwise(target))


def ctc_loss(logits: torch.Tensor, frames: torch.Tensor, targets: torch.Tensor, lengths: torch.Tensor) -> Loss:
    """The sum of the losses of rows, and the number of their characters.

    Args:
        logits: ``[B, T, V]``.
        frames: outputs of each row, ``[B]``; what follows is padding.
        targets: characters of each row, ``[B, S]``.
        lengths: their numbers, ``[B]``; a row with none does not count.
    """
    log_probabilities = logits.float().log_softmax(-1).transpose(0, 1)
    losses = functional.ctc_loss(
        log_probabilities, targets, frames, lengths, blank=BLANK, reduction="none", zero_infinity=True
    )
    return Loss(torch.where(lengths > 0, losses, 0.0).sum(), lengths.sum())


def collapse(ids: np.ndarray) -> list[int]:
    """The characters of the likeliest outputs ``[T]``: repeated ones once, blanks none."""
    changed = np.flatnonzero(np.diff(ids, prepend=-1))
    return [int(i) for i in ids[changed] if i != BLANK]

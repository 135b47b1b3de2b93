"""Losses over the vectors of a batch of pairs; all vectors have length 1."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from taskzoo import Loss
from taskzoo.models.losses import squared_error


def multiple_negatives(texts: Tensor, candidates: Tensor, right: Tensor, scale: float) -> Loss:
    """Cross-entropy of finding the text of one's own row among those of the whole batch.

    Henderson et al. 2017 ("Efficient natural language response suggestion", section 4.4); it is InfoNCE (van den Oord
    et al. 2018) with cosines. What is right for a row, besides its own text, is left out: it is no negative.

    Args:
        texts: ``[B, H]``.
        candidates: ``[C, H]``; the first ``B`` are the right ones, in order.
        right: ``[B, C]``, true where a candidate is right for a row.
        scale: factor of the cosines.
    """
    own = torch.arange(len(texts), device=texts.device)
    left_out = right.clone()
    left_out[own, own] = False
    logits = (scale * texts @ candidates.T).masked_fill(left_out, -torch.inf)
    return Loss(functional.cross_entropy(logits, own, reduction="sum"), own.new_tensor(len(own)))


def cosent(cosines: Tensor, scores: Tensor, scale: float) -> Loss:
    """Log of one plus the sum of ``exp(scale * (cosine of i - cosine of j))`` over pairs with i less similar than j.

    CoSENT (Su 2022, https://kexue.fm/archives/8847). Only the order of the ``scores`` ``[B]`` counts; the value of a
    batch is counted once for each of its rows.
    """
    less_similar = scores[:, None] < scores[None, :]
    differences = (scale * (cosines[:, None] - cosines[None, :]))[less_similar]
    value = torch.cat([differences.new_zeros(1), differences]).logsumexp(0)
    return Loss(value * len(scores), scores.new_tensor(len(scores)))


def cosine_mse(cosines: Tensor, scores: Tensor) -> Loss:
    """The squared error of cosines ``[B]`` against scores from 0 to 1 (Reimers & Gurevych 2019, "regression")."""
    return squared_error(cosines, scores)

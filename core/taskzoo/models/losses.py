"""Losses as a sum and a weight, so that the engine can normalise once over micro-batches and processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch.nn import functional

from taskzoo.types import IGNORE_INDEX, Loss

TINY = 1e-7
"""The least factor of the focal loss before its power: a root has no slope at 0."""


def cross_entropy(
    logits: torch.Tensor,
    targets: torch.Tensor,
    *,
    label_smoothing: float = 0.0,
    class_weights: Sequence[float] | torch.Tensor | None = None,
    focal_gamma: float = 0.0,
) -> Loss:
    """Cross-entropy over the positions whose target is not ``IGNORE_INDEX``.

    Args:
        logits: shape ``[..., num_labels]``.
        targets: label ids, shape ``[...]``.
        label_smoothing: mass spread evenly over all labels (Szegedy et al. 2016); ignored targets are left out of
            both of its terms.
        class_weights: shape ``[num_labels]``; a target counts as much as the weight of its label.
        focal_gamma: above 0, each term is scaled by ``(1 - p) ** gamma`` of the target's probability p, so that easy
            examples count less (Lin et al. 2017).

    Returns:
        The sum in float32 and the number of active targets (with ``class_weights``: the sum of their weights).
    """
    logits, targets = logits.reshape(-1, logits.shape[-1]).float(), targets.reshape(-1)
    weights = None if class_weights is None else _weights(class_weights, logits)
    active = targets != IGNORE_INDEX

    def total(smoothing: float) -> torch.Tensor:
        terms = functional.cross_entropy(
            logits, targets, weights, ignore_index=IGNORE_INDEX, reduction="none", label_smoothing=smoothing
        )
        if focal_gamma:
            of_target = logits.log_softmax(-1).gather(1, targets.clamp(min=0).unsqueeze(1)).squeeze(1)
            terms = terms * (1 - of_target.exp()).clamp(min=TINY) ** focal_gamma
        return terms.sum()

    weight = active.sum() if weights is None else torch.where(active, weights[targets.clamp(min=0)], 0.0).sum()
    return Loss(total(label_smoothing), weight, _unsmoothed(total, label_smoothing))


def soft_cross_entropy(
    logits: torch.Tensor,
    probabilities: torch.Tensor,
    *,
    label_smoothing: float = 0.0,
    class_weights: Sequence[float] | torch.Tensor | None = None,
) -> Loss:
    """Cross-entropy to a distribution over the labels.

    Args:
        logits: shape ``[B, num_labels]``.
        probabilities: of the same shape; rows of zeros are unknown and do not count.
        label_smoothing: mass of each distribution that is spread evenly over all labels.
        class_weights: shape ``[num_labels]``; each label's term counts as much as its weight.

    Returns:
        The sum in float32 and the number of known rows (with ``class_weights``: the sum of the weights expected under
        each row's distribution).
    """
    weights = None if class_weights is None else _weights(class_weights, logits)
    truth = probabilities.to(logits.device).float()
    known = truth.sum(-1) > 0

    def total(smoothing: float) -> torch.Tensor:
        terms = functional.cross_entropy(logits.float(), truth, weights, reduction="none", label_smoothing=smoothing)
        return torch.where(known, terms, 0.0).sum()

    weight = known.sum() if weights is None else (truth @ weights).sum()
    return Loss(total(label_smoothing), weight, _unsmoothed(total, label_smoothing))


def binary_cross_entropy(
    logits: torch.Tensor,
    targets: torch.Tensor,
    *,
    label_smoothing: float = 0.0,
    positive_weights: Sequence[float] | torch.Tensor | None = None,
    focal_gamma: float = 0.0,
) -> Loss:
    """Cross-entropy of independent yes-or-no decisions.

    Args:
        logits: shape ``[B, num_labels]``.
        targets: 0 or 1, shape ``[B, num_labels]``; NaN where unknown, which does not count.
        label_smoothing: targets become ``0.5 * label_smoothing`` and ``1 - 0.5 * label_smoothing``.
        positive_weights: shape ``[num_labels]``; how much a 1 of each label counts.
        focal_gamma: as in :func:`cross_entropy`.

    Returns:
        The sum in float32 and the number of known decisions.
    """
    known = ~targets.isnan()
    truth = targets.nan_to_num()
    weights = None if positive_weights is None else _weights(positive_weights, logits)

    def total(smoothing: float) -> torch.Tensor:
        smooth = truth * (1 - smoothing) + 0.5 * smoothing
        terms = functional.binary_cross_entropy_with_logits(
            logits.float(), smooth, pos_weight=weights, reduction="none"
        )
        if focal_gamma:
            probability = logits.float().sigmoid()
            terms = terms * torch.where(truth > 0.5, 1 - probability, probability).clamp(min=TINY) ** focal_gamma
        return torch.where(known, terms, 0.0).sum()

    return Loss(total(label_smoothing), known.sum(), _unsmoothed(total, label_smoothing))


def squared_error(values: torch.Tensor, targets: torch.Tensor) -> Loss:
    """The sum of squared errors and the number of known targets; ``values`` and ``targets`` ``[B]``, NaN unknown."""
    known = ~targets.isnan()
    return Loss(torch.where(known, values.float() - targets.nan_to_num(), 0.0).square().sum(), known.sum())


def huber(values: torch.Tensor, targets: torch.Tensor, delta: float = 1.0) -> Loss:
    """Huber's loss (1964), twice: the squared error below ``delta``, linear above. Else as :func:`squared_error`."""
    known = ~targets.isnan()
    error = torch.where(known, values.float() - targets.nan_to_num(), 0.0).abs()
    terms = torch.where(error <= delta, error.square(), delta * (2 * error - delta))
    return Loss(terms.sum(), known.sum())


def _unsmoothed(total: Callable[[float], torch.Tensor], label_smoothing: float) -> torch.Tensor | None:
    """The sum on the true labels, where that is another one."""
    if not label_smoothing:
        return None
    with torch.no_grad():
        return total(0.0)


def _weights(given: Sequence[float] | torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """Weights of labels in float32 next to ``logits``, copied there without waiting for a GPU to be idle."""
    return torch.as_tensor(given).to(logits.device, non_blocking=True).float()

"""Cross-entropy as a sum and a weight."""

from __future__ import annotations

import pytest
import torch

from taskzoo.models.losses import cross_entropy
from taskzoo.task import IGNORE_INDEX


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_smoothing_against_its_formula_with_ignored_targets(smoothing):
    torch.manual_seed(0)
    logits = torch.randn(3, 4, 5)
    targets = torch.randint(0, 5, (3, 4))
    targets[0, 1:] = targets[2, 0] = IGNORE_INDEX
    total, weight = cross_entropy(logits, targets, label_smoothing=smoothing)
    expected = 0.0
    for row, target in zip(logits.flatten(0, 1).log_softmax(-1).tolist(), targets.flatten().tolist(), strict=True):
        if target != IGNORE_INDEX:
            expected += -(1 - smoothing) * row[target] - smoothing * sum(row) / 5
    assert total.item() == pytest.approx(expected, rel=1e-6)
    assert weight.item() == 8


def test_ignored_targets_get_no_gradient_even_with_smoothing():
    logits = torch.randn(2, 3, 5, requires_grad=True)
    targets = torch.tensor([[1, IGNORE_INDEX, 2], [IGNORE_INDEX] * 3])
    cross_entropy(logits, targets, label_smoothing=0.2)[0].backward()
    moved = logits.grad.abs().sum(-1) > 0
    assert moved.tolist() == [[True, False, True], [False] * 3]


def test_only_ignored_targets():
    total, weight = cross_entropy(torch.randn(2, 5), torch.full((2,), IGNORE_INDEX), label_smoothing=0.1)
    assert (total.item(), weight.item()) == (0.0, 0)


def test_half_precision_is_summed_in_full():
    logits = torch.zeros(5000, 4, dtype=torch.bfloat16)
    total, _ = cross_entropy(logits, torch.zeros(5000, dtype=torch.long))
    assert total.dtype == torch.float32
    assert total.item() == pytest.approx(5000 * 1.3862944, rel=1e-5)

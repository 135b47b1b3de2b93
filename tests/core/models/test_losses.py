"""Losses as a sum and a weight, against torch's and scikit-learn's own."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss
from torch.nn import functional

from taskzoo.models.losses import binary_cross_entropy, cross_entropy, huber, squared_error
from taskzoo.types import IGNORE_INDEX


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_smoothing_against_its_formula_with_ignored_targets(smoothing):
    torch.manual_seed(0)
    logits = torch.randn(3, 4, 5)
    targets = torch.randint(0, 5, (3, 4))
    targets[0, 1:] = targets[2, 0] = IGNORE_INDEX
    loss = cross_entropy(logits, targets, label_smoothing=smoothing)
    expected = 0.0
    for row, target in zip(logits.flatten(0, 1).log_softmax(-1).tolist(), targets.flatten().tolist(), strict=True):
        if target != IGNORE_INDEX:
            expected += -(1 - smoothing) * row[target] - smoothing * sum(row) / 5
    assert loss.total.item() == pytest.approx(expected, rel=1e-6)
    assert loss.weight.item() == 8


def test_ignored_targets_get_no_gradient_even_with_smoothing():
    logits = torch.randn(2, 3, 5, requires_grad=True)
    targets = torch.tensor([[1, IGNORE_INDEX, 2], [IGNORE_INDEX] * 3])
    cross_entropy(logits, targets, label_smoothing=0.2).total.backward()
    moved = logits.grad.abs().sum(-1) > 0
    assert moved.tolist() == [[True, False, True], [False] * 3]


def test_only_ignored_targets():
    loss = cross_entropy(torch.randn(2, 5), torch.full((2,), IGNORE_INDEX), label_smoothing=0.1)
    assert (loss.total.item(), loss.weight.item()) == (0.0, 0)


def test_half_precision_is_summed_in_full():
    logits = torch.zeros(5000, 4, dtype=torch.bfloat16)
    total = cross_entropy(logits, torch.zeros(5000, dtype=torch.long)).total
    assert total.dtype == torch.float32
    assert total.item() == pytest.approx(5000 * 1.3862944, rel=1e-5)


@pytest.mark.parametrize("loss", [cross_entropy, binary_cross_entropy])
def test_the_reported_sum_is_that_of_the_true_labels_and_has_no_gradient(loss):
    logits = torch.randn(6, 3, requires_grad=True)
    targets = torch.randint(0, 3, (6,)) if loss is cross_entropy else torch.randint(0, 2, (6, 3)).float()
    plain = loss(logits, targets, focal_gamma=1.0)
    smoothed = loss(logits, targets, label_smoothing=0.3, focal_gamma=1.0)
    assert plain.reported is None
    assert smoothed.reported.item() == plain.total.item() != smoothed.total.item()
    assert not smoothed.reported.requires_grad


# class weights and the focal loss


def example() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits ``[12, 4]``, targets with two ignored, and weights."""
    torch.manual_seed(1)
    targets = torch.randint(0, 4, (12,))
    targets[[3, 7]] = IGNORE_INDEX
    return 3 * torch.randn(12, 4), targets, torch.tensor([0.5, 1.0, 2.0, 4.0])


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_class_weights_are_torchs(smoothing):
    logits, targets, weights = example()
    loss = cross_entropy(logits, targets, class_weights=weights, label_smoothing=smoothing)
    expected = functional.cross_entropy(logits, targets, weights, label_smoothing=smoothing)
    torch.testing.assert_close(loss.total / loss.weight, expected)
    assert loss.weight.item() == weights[targets[targets >= 0]].sum().item()


def test_class_weights_are_scikit_learns_sample_weights():
    logits, targets, weights = example()
    logits, targets = logits[targets >= 0], targets[targets >= 0]
    loss = cross_entropy(logits, targets, class_weights=weights)
    probabilities, counts = logits.double().softmax(-1), weights[targets].double()
    expected = log_loss(targets, probabilities, labels=range(4), sample_weight=counts)
    assert (loss.total / loss.weight).item() == pytest.approx(expected, rel=1e-5)


def test_equal_class_weights_change_nothing_but_the_scale():
    logits, targets, _ = example()
    plain = cross_entropy(logits, targets)
    weighted = cross_entropy(logits, targets, class_weights=torch.full((4,), 3.0))
    torch.testing.assert_close(weighted.total, 3 * plain.total)
    assert weighted.weight.item() == 3 * plain.weight.item()


@pytest.mark.parametrize("weighted", [False, True])
def test_focal_with_gamma_0_is_plain_and_otherwise_its_formula(weighted):
    logits, targets, weights = example()
    class_weights = weights if weighted else None
    plain = cross_entropy(logits, targets, class_weights=class_weights)
    assert cross_entropy(logits, targets, class_weights=class_weights, focal_gamma=0.0) == plain
    focal = cross_entropy(logits, targets, class_weights=class_weights, focal_gamma=2.0)
    expected = 0.0
    for row, target in zip(logits.double().softmax(-1).tolist(), targets.tolist(), strict=True):
        if target != IGNORE_INDEX:
            scale = weights[target].item() if weighted else 1.0
            expected += -scale * (1 - row[target]) ** 2 * math.log(row[target])
    assert focal.total.item() == pytest.approx(expected, rel=1e-5)
    assert focal.weight == plain.weight


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_the_focal_loss_has_a_gradient_where_the_model_is_sure(gamma):
    """At probability 1 the root has no slope, and nothing times that is not a number."""
    logits = torch.tensor([[200.0, 0.0], [-200.0, 0.0], [0.0, 0.0]], requires_grad=True)
    cross_entropy(logits, torch.tensor([0, 0, IGNORE_INDEX]), focal_gamma=gamma).total.backward()
    assert logits.grad.isfinite().all()
    assert logits.grad[1].abs().sum() > 1
    binary = torch.tensor([[200.0, -200.0], [-200.0, 200.0]], requires_grad=True)
    binary_cross_entropy(binary, torch.tensor([[1.0, 0.0], [1.0, 0.0]]), focal_gamma=gamma).total.backward()
    assert binary.grad.isfinite().all()
    assert binary.grad[1].abs().min() > 0.5


# several labels


def test_binary_cross_entropy_is_torchs_and_scikit_learns():
    torch.manual_seed(2)
    logits, targets = 2 * torch.randn(9, 3), torch.randint(0, 2, (9, 3)).float()
    loss = binary_cross_entropy(logits, targets)
    assert loss.weight.item() == 27
    torch.testing.assert_close(
        loss.total, functional.binary_cross_entropy_with_logits(logits, targets, reduction="sum")
    )
    expected = log_loss(targets.flatten(), logits.double().sigmoid().flatten())
    assert (loss.total / loss.weight).item() == pytest.approx(expected, rel=1e-5)
    positive = torch.tensor([1.0, 5.0, 0.1])
    torch.testing.assert_close(
        binary_cross_entropy(logits, targets, positive_weights=positive).total,
        functional.binary_cross_entropy_with_logits(logits, targets, pos_weight=positive, reduction="sum"),
    )


def test_unknown_decisions_do_not_count_and_get_no_gradient():
    logits = torch.randn(2, 3, requires_grad=True)
    targets = torch.tensor([[1.0, math.nan, 0.0], [math.nan] * 3])
    loss = binary_cross_entropy(logits, targets, label_smoothing=0.1, positive_weights=torch.ones(3), focal_gamma=2.0)
    loss.total.backward()
    assert loss.weight.item() == 2
    assert loss.total.isfinite()
    assert (logits.grad != 0).tolist() == [[True, False, True], [False] * 3]


def test_smoothed_decisions():
    logits, targets = torch.randn(5, 2), torch.randint(0, 2, (5, 2)).float()
    total = binary_cross_entropy(logits, targets, label_smoothing=0.2).total
    expected = functional.binary_cross_entropy_with_logits(logits, 0.1 + 0.8 * targets, reduction="sum")
    torch.testing.assert_close(total, expected)


def test_focal_decisions():
    logits, targets = torch.randn(5, 2), torch.randint(0, 2, (5, 2)).float()
    p = logits.double().sigmoid()
    right = torch.where(targets > 0.5, p, 1 - p)
    total = binary_cross_entropy(logits, targets, focal_gamma=2.0).total
    assert total.item() == pytest.approx(-((1 - right) ** 2 * right.log()).sum().item(), rel=1e-5)
    assert binary_cross_entropy(logits, targets, focal_gamma=0.0) == binary_cross_entropy(logits, targets)


# numbers


def test_squared_error():
    values, targets = torch.tensor([1.0, 2.0, 5.0]), torch.tensor([3.0, math.nan, 4.5])
    loss = squared_error(values, targets)
    assert (loss.total.item(), loss.weight.item()) == (4.25, 2)


@pytest.mark.parametrize("delta", [0.3, 1.0, 2.0])
def test_huber_is_twice_torchs_and_squared_below_delta(delta):
    torch.manual_seed(3)
    values, targets = 2 * torch.randn(50), torch.randn(50)
    loss = huber(values, targets, delta)
    torch.testing.assert_close(loss.total, 2 * functional.huber_loss(values, targets, reduction="sum", delta=delta))
    assert loss.weight.item() == 50
    near = targets + 0.9 * delta
    assert huber(near, targets, delta) == squared_error(near, targets)


@pytest.mark.parametrize("loss", [squared_error, huber])
def test_unknown_numbers_do_not_count_and_get_no_gradient(loss):
    values = torch.tensor([1.0, 2.0, 900.0], requires_grad=True)
    found = loss(values, torch.tensor([3.0, math.nan, 1.0]))
    found.total.backward()
    assert found.weight.item() == 2
    assert np.isfinite(values.grad.numpy()).all()
    assert (values.grad != 0).tolist() == [True, False, True]
    empty = loss(values, torch.full((3,), math.nan))
    assert (empty.total.item(), empty.weight.item()) == (0.0, 0)

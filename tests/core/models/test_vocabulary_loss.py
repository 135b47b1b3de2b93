"""The loss over a large vocabulary is the usual one, chunk by chunk, with its gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from taskzoo.models import vocabulary_loss
from taskzoo.models.losses import cross_entropy
from taskzoo.models.vocabulary import HiddenStates
from taskzoo.models.vocabulary_loss import vocabulary_cross_entropy
from taskzoo.types import IGNORE_INDEX, Loss

Tensors = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def example(
    tokens: Sequence[int] = (3, 5),
    vocabulary: int = 11,
    width: int = 4,
    ignored: float = 0.3,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> Tensors:
    """States, weight and bias that need gradients, and targets of which about the share ``ignored`` is ignored."""
    generator = torch.Generator().manual_seed(seed)
    states = torch.randn(*tokens, width, generator=generator, dtype=dtype)
    weight = torch.randn(vocabulary, width, generator=generator, dtype=dtype)
    bias = torch.randn(vocabulary, generator=generator, dtype=dtype)
    targets = torch.randint(0, vocabulary, tuple(tokens), generator=generator)
    targets[torch.rand(*tokens, generator=generator) < ignored] = IGNORE_INDEX
    return states.requires_grad_(), weight.requires_grad_(), bias.requires_grad_(), targets


def chunked(
    states: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    targets: torch.Tensor,
    *,
    dtype: torch.dtype | None = None,
    **given: Any,
) -> Loss:
    return vocabulary_cross_entropy(HiddenStates(states, weight, bias, dtype), targets, **given)


def gradients(total: torch.Tensor, tensors: Sequence[torch.Tensor | None]) -> list[torch.Tensor]:
    return list(torch.autograd.grad(3.5 * total, [t for t in tensors if t is not None]))


@settings(max_examples=60, deadline=None)
@given(
    vocabulary=st.integers(2, 50),
    rows=st.integers(0, 3),
    length=st.integers(1, 7),
    width=st.integers(1, 9),
    ignored=st.sampled_from([0.0, 0.3, 0.8, 1.0]),
    chunk=st.integers(0, 25),
    smoothing=st.sampled_from([0.0, 0.1, 0.9]),
    with_bias=st.booleans(),
    seed=st.integers(0, 99),
)
def test_it_is_the_plain_loss_with_its_gradients(
    vocabulary, rows, length, width, ignored, chunk, smoothing, with_bias, seed
):
    states, weight, bias, targets = example((rows, length), vocabulary, width, ignored, seed)
    bias = bias if with_bias else None
    loss = chunked(states, weight, bias, targets, label_smoothing=smoothing, chunk_tokens=chunk)
    expected = cross_entropy(functional.linear(states, weight, bias), targets, label_smoothing=smoothing)
    assert (loss.total.shape, loss.total.dtype, loss.weight.item()) == ((), torch.float32, expected.weight.item())
    torch.testing.assert_close(loss.total, expected.total, rtol=1e-5, atol=1e-5)
    for found, plain in zip(
        gradients(loss.total, (states, weight, bias)), gradients(expected.total, (states, weight, bias)), strict=True
    ):
        torch.testing.assert_close(found, plain, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("with_bias", [True, False])
def test_gradients_in_double_precision(smoothing, with_bias):
    states, weight, bias, targets = example(dtype=torch.float64)

    def total(states, weight, bias=None):
        return chunked(states, weight, bias, targets, label_smoothing=smoothing, chunk_tokens=3).total

    assert torch.autograd.gradcheck(total, (states, weight, bias) if with_bias else (states, weight))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_half_precision_is_near_full(dtype, smoothing):
    states, weight, bias, targets = example((4, 50), vocabulary=900, width=32)
    weight.data *= 0.2
    full = chunked(states, weight, bias, targets, label_smoothing=smoothing).total
    half = chunked(states, weight, bias, targets, label_smoothing=smoothing, dtype=dtype, chunk_tokens=16).total
    assert half.dtype == torch.float32
    assert half.item() == pytest.approx(full.item(), rel=1e-3)
    for found, exact in zip(
        gradients(half, (states, weight, bias)), gradients(full, (states, weight, bias)), strict=True
    ):
        assert found.dtype == exact.dtype
        assert (found - exact).norm() < 0.01 * exact.norm()


def test_gradients_of_weight_are_added_up_in_full_precision():
    """Many equal chunks: sums in bfloat16 would stop growing at 256 times a term."""
    states = torch.ones(4000, 1)
    weight = torch.zeros(2, 1, requires_grad=True)
    total = chunked(
        states, weight, None, torch.zeros(4000, dtype=torch.long), dtype=torch.bfloat16, chunk_tokens=1
    ).total
    assert gradients(total, [weight])[0].flatten().tolist() == [-7000.0, 7000.0]


def test_autocast_says_the_precision_of_products_and_nothing_else():
    states, weight, _, targets = example((4, 30), vocabulary=40, width=8)
    with torch.autocast("cpu", torch.bfloat16):
        within = chunked(states, weight, None, targets).total
    asked = chunked(states, weight, None, targets, dtype=torch.bfloat16).total
    full = chunked(states, weight, None, targets).total
    assert within.item() == asked.item() != full.item()
    assert within.dtype == torch.float32
    with torch.autocast("cpu", torch.bfloat16):
        assert chunked(states, weight, None, targets, dtype=torch.float32).total == full


def test_half_precision_weights_get_gradients_of_their_kind():
    states, weight, bias, targets = example()
    states, weight, bias = (t.detach().bfloat16().requires_grad_() for t in (states, weight, bias))
    total = chunked(states, weight, bias, targets, chunk_tokens=2).total
    assert total.dtype == torch.float32
    assert {g.dtype for g in gradients(total, (states, weight, bias))} == {torch.bfloat16}


def products(monkeypatch) -> list[tuple[int, ...]]:
    """The list grows by the shape of every addition to the gradient of a weight."""
    seen = []
    original = vocabulary_loss._add_product

    def watch(into, slope, states):
        seen.append(tuple(slope.shape))
        original(into, slope, states)

    monkeypatch.setattr(vocabulary_loss, "_add_product", watch)
    return seen


def test_only_active_positions_are_computed_a_chunk_at_a_time(monkeypatch):
    seen = products(monkeypatch)
    states, weight, bias, targets = example((5, 40), ignored=0.5)
    active = int((targets != IGNORE_INDEX).sum())
    chunked(states, weight, bias, targets, chunk_tokens=40)
    assert [n for n, _ in seen] == [40] * (active // 40) + [active % 40]
    monkeypatch.setattr(vocabulary_loss, "CHUNK_BYTES", 11 * 4 * 7)
    seen.clear()
    chunked(states, weight, bias, targets)
    assert max(seen) == (7, 11)


def test_no_gradient_is_made_that_nobody_needs(monkeypatch):
    seen = products(monkeypatch)
    states, weight, bias, targets = example()
    with torch.no_grad():
        total = chunked(states, weight, bias, targets).total
    assert not seen
    assert not total.requires_grad
    weight.requires_grad_(False)  # as under LoRA
    frozen = chunked(states, weight, bias, targets).total
    assert not seen
    assert torch.equal(frozen, total)
    plain = cross_entropy(functional.linear(states, weight, bias), targets).total
    for found, expected in zip(gradients(frozen, (states, bias)), gradients(plain, (states, bias)), strict=True):
        torch.testing.assert_close(found, expected)
    assert not chunked(states.detach(), weight, None, targets).total.requires_grad


def test_a_weight_shared_with_the_embeddings_gets_both_gradients():
    _, weight, _, targets = example()
    ids = torch.arange(15).reshape(3, 5) % 11

    def both(loss):
        states = torch.tanh(functional.embedding(ids, weight))
        return gradients(loss(states), [weight])[0]

    found = both(lambda states: chunked(states, weight, None, targets, chunk_tokens=4).total)
    plain = both(lambda states: cross_entropy(states @ weight.T, targets).total)
    torch.testing.assert_close(found, plain, rtol=1e-4, atol=1e-5)


def test_only_ignored_targets_give_zeros():
    states, weight, bias, targets = example(ignored=1.1)
    loss = chunked(states, weight, bias, targets, label_smoothing=0.1)
    assert (loss.total.item(), loss.reported.item(), loss.weight.item()) == (0.0, 0.0, 0)
    assert not any(gradient.any() for gradient in gradients(loss.total, (states, weight, bias)))


def test_large_logits_do_not_overflow():
    states = torch.tensor([[1e4]], requires_grad=True)
    weight = torch.tensor([[1.0], [-1.0], [0.5]])
    total = chunked(states, weight, None, torch.tensor([1])).total
    assert total.item() == 2e4
    assert gradients(total, [states])[0].item() == pytest.approx(7.0)


def test_backward_twice_gives_the_same_twice():
    states, weight, bias, targets = example()
    total = chunked(states, weight, bias, targets, chunk_tokens=3).total
    first = torch.autograd.grad(total, (states, weight, bias), retain_graph=True)
    kept = [gradient.clone() for gradient in first]
    second = torch.autograd.grad(2 * total, (states, weight, bias))
    for one, two, before in zip(first, second, kept, strict=True):
        assert torch.equal(one, before)
        torch.testing.assert_close(two, 2 * one)


def test_the_sum_without_smoothing_comes_from_the_same_logits():
    states, weight, bias, targets = example()
    smoothed = chunked(states, weight, bias, targets, label_smoothing=0.3, chunk_tokens=4)
    logits = functional.linear(states, weight, bias)
    expected, plain = cross_entropy(logits, targets, label_smoothing=0.3), cross_entropy(logits, targets)
    torch.testing.assert_close((smoothed.total, smoothed.weight), (expected.total, expected.weight))
    torch.testing.assert_close((smoothed.reported, smoothed.weight), (plain.total, plain.weight))
    assert smoothed.total.requires_grad
    assert not smoothed.reported.requires_grad
    assert chunked(states, weight, bias, targets).reported is None

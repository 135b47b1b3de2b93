"""One vector of many token states: the mask decides, on whichever side the padding is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from taskzoo.models.pooling import POOLINGS, PooledClassifier, pool
from taskzoo.models.pooling import _dropout as dropout_of
from taskzoo.models.sequence import load_sequence_model

LENGTHS = [3, 1, 7, 5]
SINGLE = "single_label_classification"


def padded(states: list[torch.Tensor], side: str, junk: float) -> tuple[torch.Tensor, torch.Tensor]:
    """One batch with ``junk`` where nothing counts, and its mask."""
    longest = 2 + max(len(s) for s in states)
    batch = torch.full((len(states), longest, states[0].shape[1]), junk)
    mask = torch.zeros(len(states), longest, dtype=torch.long)
    for b, given in enumerate(states):
        where = slice(0, len(given)) if side == "right" else slice(longest - len(given), longest)
        batch[b, where], mask[b, where] = given, 1
    return batch, mask


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("how", POOLINGS)
def test_against_plain_loops(how: str, side: str) -> None:
    torch.manual_seed(0)
    states = [torch.randn(n, 6) for n in LENGTHS]
    pooled = pool(*padded(states, side, junk=1e4), how)
    for given, found in zip(states, pooled, strict=True):
        mean = given.mean(0)
        expected = {"mean": mean, "unit-mean": mean / mean.norm() * 6**0.5, "first": given[0], "last": given[-1]}
        torch.testing.assert_close(found, expected[how], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("how", POOLINGS)
def test_holes_in_the_mask_do_not_count(how: str) -> None:
    states = torch.randn(1, 6, 4)
    mask = torch.tensor([[0, 1, 0, 1, 1, 0]])
    torch.testing.assert_close(pool(states, mask, how), pool(states[:, [1, 3, 4]], torch.ones(1, 3), how))


@pytest.mark.parametrize("how", POOLINGS)
def test_a_text_without_any_token_is_finite(how: str) -> None:
    states = torch.randn(2, 3, 4, requires_grad=True)
    pooled = pool(states, torch.tensor([[0, 0, 0], [1, 1, 0]]), how)
    torch.autograd.backward(pooled.sum())
    assert pooled.isfinite().all()
    assert states.grad is not None
    assert states.grad.isfinite().all()


def test_half_precision_is_averaged_in_full() -> None:
    states = torch.full((1, 4096, 2), 1.01, dtype=torch.bfloat16)
    pooled = pool(states, torch.ones(1, 4096), "mean")
    assert pooled.dtype == torch.float32
    torch.testing.assert_close(pooled[0], states[0, 0].float())


def ids_and_mask(texts: list[list[int]], pad: int, length: int) -> dict[str, torch.Tensor]:
    ids = torch.tensor([t + [pad] * (length - len(t)) for t in texts])
    mask = torch.tensor([[1] * len(t) + [0] * (length - len(t)) for t in texts])
    return {"input_ids": ids, "attention_mask": mask}


@pytest.mark.parametrize("how", POOLINGS)
@pytest.mark.parametrize("family", ["bert", "gpt2", "t5"])
def test_padding_around_a_text_changes_nothing(
    tiny_checkpoint: Callable[..., Path], tiny_tokenizer: Callable[..., Any], family: str, how: str
) -> None:
    """Also where the text ends with the very token that pads."""
    if (family, how) == ("t5", "last"):
        pytest.skip("encoder-decoders have no pooling=last")
    tokenizer = tiny_tokenizer(family)
    model = load_sequence_model(
        str(tiny_checkpoint(family)), problem_type=SINGLE, labels=["a", "b"], pooling=how
    ).eval()
    assert isinstance(model, PooledClassifier)
    pad = int(tokenizer.pad_token_id)
    for text in ([20, 21, 22], [20, 21, pad], [pad, 21, 22]):
        with torch.no_grad():
            alone = model(**ids_and_mask([text], pad, 3)).logits
            among = model(**ids_and_mask([[30] * 12, text, [31] * 5], pad, 12)).logits
            unmasked = model(input_ids=torch.tensor([text])).logits
            states = model.backbone(input_ids=torch.tensor([text])).last_hidden_state
            expected = model.classifier(pool(states, torch.ones(1, 3), how))
        torch.testing.assert_close(alone, expected, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(among[1:2], alone, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(unmasked, alone, rtol=1e-4, atol=1e-5)


def test_left_padding_of_a_model_without_absolute_positions(tiny_checkpoint: Callable[..., Path]) -> None:
    model = load_sequence_model(
        str(tiny_checkpoint("t5")), problem_type=SINGLE, labels=["a", "b"], pooling="first"
    ).eval()
    with torch.no_grad():
        alone = model(input_ids=torch.tensor([[20, 21]])).logits
        ids, mask = torch.tensor([[0, 0, 20, 21]]), torch.tensor([[0, 0, 1, 1]])
        left = model(input_ids=ids, attention_mask=mask).logits
    torch.testing.assert_close(left, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", ["t5", "bart"])
def test_of_an_encoder_decoder_only_the_encoder_is_kept(tiny_checkpoint: Callable[..., Path], family: str) -> None:
    model = load_sequence_model(str(tiny_checkpoint(family)), problem_type=SINGLE, labels=["a", "b"])
    assert model.config.sequence_pooling == "mean"
    assert not [name for name, _ in model.named_parameters() if "decoder" in name]


def test_the_dropout_of_the_architecture_is_taken() -> None:
    assert dropout_of(SimpleNamespace(classifier_dropout=None, hidden_dropout_prob=0.3)) == 0.3
    assert dropout_of(SimpleNamespace(classifier_dropout=0.0, hidden_dropout_prob=0.3)) == 0.0
    assert dropout_of(SimpleNamespace(dropout_rate=0.2)) == 0.2
    assert dropout_of(SimpleNamespace(resid_pdrop=0.4)) == 0.4
    assert dropout_of(SimpleNamespace()) == 0.1

"""Attention without padding on a CUDA device: in one kernel, equal to attention with padding, without waiting."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from taskzoo.models import unpadded
from taskzoo.models.unpadded import (
    PaddingMask,
    Tokens,
    in_one_kernel,
    text_by_text,
    unpadded_attention,
    without_padding,
)

from .test_runs import TEXTS, checkpoint, classified, generated

__all__ = ["checkpoint"]
SHORT, LONG = [3, 17, 1, 60], [5, 2, 90, 33]
TOLERANCES = {torch.float32: 1e-3, torch.bfloat16: 3e-2, torch.float16: 3e-3}


def tokens(lengths):
    return Tokens.of_mask(torch.arange(max(lengths)) < torch.tensor(lengths)[:, None], torch.device("cuda"))


def states(of, dtype, width=32):
    torch.manual_seed(0)
    return tuple(
        torch.randn(sum(one.lengths), 2, width, device="cuda", dtype=dtype, requires_grad=True)
        for one in (of[0], of[1], of[1])
    )


@pytest.mark.parametrize("width", [32, 20])
@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize(("lengths", "causal"), [((LONG, LONG), False), ((LONG, LONG), True), ((SHORT, LONG), False)])
def test_one_kernel_gives_what_texts_one_by_one_do(lengths, causal, dtype, width):
    queries = tokens(lengths[0])
    of = (queries, queries if lengths[0] == lengths[1] else tokens(lengths[1]))
    packed, values = states(of, dtype, width), {"is_causal": causal, "dropout_p": 0.0, "scale": 0.3}
    found, expected = (attend(packed, of, **values) for attend in (in_one_kernel, text_by_text))
    close = {"rtol": TOLERANCES[dtype], "atol": TOLERANCES[dtype]}
    torch.testing.assert_close(found, expected, **close)
    weights = torch.randn_like(found)
    for one, other in zip(*(torch.autograd.grad((x * weights).sum(), packed) for x in (found, expected)), strict=True):
        assert (one - other).float().norm() <= 10 * TOLERANCES[dtype] * other.float().norm()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("causal", [True, False])
def test_forward_and_backward_drop_the_same_out(causal, dtype):
    """The output is linear in the values: for each text and head it is the sum of the values times their gradients."""
    mask, rows, width = PaddingMask(tokens(LONG), causal), len(LONG), max(LONG)
    torch.manual_seed(0)
    given = [torch.randn(rows, 2, width, 32, device="cuda", dtype=dtype, requires_grad=True) for _ in range(3)]
    found = unpadded_attention(torch.nn.Module(), *given, mask, dropout=0.3)[0]
    products = found * torch.randn_like(found)
    (gradient,) = torch.autograd.grad(products.sum(), given[2])
    here, there = products.float().sum((1, 3)), (gradient.float() * given[2].float()).sum((2, 3))
    assert (here - there).abs().max() < 0.1 * here.norm()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("causal", [True, False])
def test_a_kernel_drops_out_and_is_right_in_the_mean(causal, dtype):
    of = (tokens(LONG),) * 2
    packed = states(of, dtype)
    with torch.no_grad():
        values = {"is_causal": causal, "scale": 0.3}
        expected = in_one_kernel(packed, of, dropout_p=0.0, **values).float()
        drawn = torch.stack([in_one_kernel(packed, of, dropout_p=0.2, **values).float() for _ in range(500)])
    assert not torch.equal(drawn[0], drawn[1])
    error = (drawn.var(0) / len(drawn)).sqrt() + 2e-3
    assert ((drawn.mean(0) - expected).abs() / error).max() < 6


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("causal", [True, False])
def test_layers_do_not_wait_for_the_device(causal, dtype):
    mask, rows, width = PaddingMask(tokens(LONG), causal), len(LONG), max(LONG)
    given = [torch.randn(rows, 2, width, 32, device="cuda", dtype=dtype, requires_grad=True) for _ in range(3)]
    module = torch.nn.Module()
    unpadded_attention(module, *given, mask, dropout=0.1)[0].sum().backward()
    torch.cuda.set_sync_debug_mode("error")
    try:
        found, _ = unpadded_attention(module, *given, mask, dropout=0.1)
        found.sum().backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert found.shape == (rows, width, 2, 32)
    assert found[1, 2:].abs().max() == 0


@pytest.mark.skipif(torch.cuda.is_available() and torch.cuda.get_device_capability()[0] < 8, reason="needs Ampere")
def test_half_precision_takes_flash_attention():
    for causal in (True, False):
        for dtype in TOLERANCES:
            packed = states((tokens(LONG),) * 2, dtype)
            assert unpadded._has_flash(*packed, dropout_p=0.1, is_causal=causal) == (dtype != torch.float32)


@pytest.mark.parametrize("family", ["bert", "gpt2", "qwen2"])
def test_a_model_is_the_same_function(family, checkpoint):
    model = AutoModel.from_pretrained(checkpoint(family)).cuda()
    tokenizer = AutoTokenizer.from_pretrained(checkpoint(family), padding_side="right")
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    texts = [TEXTS[0], " ".join(TEXTS), TEXTS[1][:5]]
    inputs = tokenizer(texts, return_tensors="pt", padding=True).to("cuda")
    kept = inputs["attention_mask"].bool()
    expected = model(**inputs).last_hidden_state[kept]
    with without_padding(model):
        found = model(**inputs).last_hidden_state[kept]
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_runs_learn_what_padded_ones_do(family, checkpoint, tmp_path, monkeypatch):
    calls = []

    def attend(*given, **values):
        calls.append(values["is_causal"])
        return in_one_kernel(*given, **values)

    monkeypatch.setattr(unpadded, "in_one_kernel", attend)
    settings = {"method": "full", "precision": "fp32", "probe_first": False}
    plain = classified(checkpoint, tmp_path / "plain", family, **settings)
    run = classified(checkpoint, tmp_path / "run", family, unpadded=True, **settings)
    assert set(calls) == {family == "gpt2"}
    for here, there in zip(plain.predict(TEXTS), run.predict(TEXTS), strict=True):
        assert here["scores"] == pytest.approx(there["scores"], abs=1e-2)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("family", ["bart", "gpt2"])
def test_generators_train_without_padding(family, precision, checkpoint, tmp_path):
    run = generated(checkpoint, tmp_path / "run", family, precision=precision, unpadded=True)
    assert len(run.predict(TEXTS)) == len(TEXTS)

"""Attention while training: the same function, computed in float32 where a processor is slow in half precision."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from taskzoo.engine import attention
from taskzoo.engine.attention import attend, attention_for_training

SIZES = {
    "bert": {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32,
             "attention_probs_dropout_prob": 0.0, "hidden_dropout_prob": 0.0},
    "gpt2": {"n_embd": 32, "n_layer": 1, "n_head": 2, "attn_pdrop": 0.0, "resid_pdrop": 0.0, "embd_pdrop": 0.0},
    "t5": {"d_model": 32, "d_kv": 16, "d_ff": 32, "num_layers": 1, "num_heads": 2, "dropout_rate": 0.0},
}  # fmt: skip


def make_model(family: str) -> Any:
    torch.manual_seed(0)
    config = transformers.AutoConfig.for_model(family, vocab_size=40, pad_token_id=0, **SIZES[family])
    return transformers.AutoModel.from_config(config).train()


def gradients(model: Any) -> dict[str, torch.Tensor]:
    """Of a padded batch, with bfloat16 wherever autocast puts it."""
    ids = torch.arange(1, 13).view(2, 6)
    mask = torch.tensor([[1] * 6, [1] * 4 + [0] * 2])
    more = {"decoder_input_ids": ids} if model.config.is_encoder_decoder else {}
    model.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        states = model(input_ids=ids, attention_mask=mask, **more).last_hidden_state
    (states.float() * mask[..., None]).square().sum().backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("family", SIZES)
def test_gradients_are_those_of_plain_attention(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, seen = make_model(family), []
    plain = gradients(model)
    forward = attention.sdpa_attention_forward

    def noted(module: Any, query: torch.Tensor, *arguments: Any, **others: Any) -> Any:
        seen.append(query.dtype)
        return forward(module, query, *arguments, **others)

    monkeypatch.setattr(attention, "sdpa_attention_forward", noted)
    with attention_for_training():
        found = gradients(model)
    assert seen
    assert set(seen) == {torch.float32}
    assert found.keys() == plain.keys()
    for name, gradient in plain.items():
        torch.testing.assert_close(found[name], gradient, rtol=0.1, atol=0.02 * float(gradient.abs().max() + 1))


def test_plain_attention_is_back_afterwards_also_after_an_error() -> None:
    before = ALL_ATTENTION_FUNCTIONS["sdpa"]

    def fail() -> None:
        with attention_for_training():
            assert ALL_ATTENTION_FUNCTIONS["sdpa"] is attend
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    assert ALL_ATTENTION_FUNCTIONS["sdpa"] is before


@pytest.mark.parametrize(("grad", "dropout"), [(False, 0.0), (True, 0.5)])
def test_half_precision_stays_where_it_is_not_slow(grad: bool, dropout: float, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(attention, "sdpa_attention_forward", lambda module, query, *a, **b: seen.append(query.dtype))
    states = torch.zeros(1, 1, 2, 4, dtype=torch.bfloat16, requires_grad=grad)
    attend(torch.nn.Module(), states, states, states, None, dropout=dropout)
    assert seen == [torch.bfloat16]

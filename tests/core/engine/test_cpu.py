"""Dropout, attention and layer norms on a CPU: the same functions, computed another way."""

from __future__ import annotations

import platform
import subprocess
import sys
import threading
from textwrap import dedent
from typing import Any

import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from taskzoo.engine import cpu
from taskzoo.engine.cpu import attention, dropout, faster_on_cpu, layer_norm, recompute_activations

CPU = torch.device("cpu")
SIZES = {
    "bert": {
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "attention_probs_dropout_prob": 0.0,
        "hidden_dropout_prob": 0.0,
    },
    "gpt2": {"n_embd": 32, "n_layer": 1, "n_head": 2, "attn_pdrop": 0.0, "resid_pdrop": 0.0, "embd_pdrop": 0.0},
    "t5": {"d_model": 32, "d_kv": 16, "d_ff": 32, "num_layers": 1, "num_heads": 2, "dropout_rate": 0.0},
}
DROPOUT = {"bert": "attention_probs_dropout_prob", "gpt2": "attn_pdrop", "t5": "dropout_rate"}


def make_model(family: str, **settings: float) -> Any:
    torch.manual_seed(0)
    config = transformers.AutoConfig.for_model(family, vocab_size=40, pad_token_id=0, **{**SIZES[family], **settings})
    return transformers.AutoModel.from_config(config).train()


def gradients(model: Any) -> dict[str, torch.Tensor]:
    """Of a padded batch, with bfloat16 wherever autocast puts it."""
    ids = torch.arange(1, 13).view(2, 6)
    mask = torch.tensor([[1] * 6, [1] * 4 + [0] * 2])
    more = {"decoder_input_ids": ids} if model.config.is_encoder_decoder else {}
    model.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        states = model(input_ids=ids, attention_mask=mask, **more).last_hidden_state
    goal = torch.randn(states.shape, generator=torch.Generator().manual_seed(1))  # a sum of squares is what norms fix
    (states.float() * goal * mask[..., None]).sum().backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def assert_like(found: dict[str, torch.Tensor], plain: dict[str, torch.Tensor]) -> None:
    assert found.keys() == plain.keys()
    for name, gradient in plain.items():
        torch.testing.assert_close(found[name], gradient, rtol=0.1, atol=0.02 * float(gradient.abs().max() + 1))


# attention


@pytest.mark.parametrize("family", SIZES)
def test_gradients_are_those_of_plain_attention(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, seen = make_model(family), []
    plain = gradients(model)
    forward = cpu.torch_attention

    def noted(query: torch.Tensor, *arguments: Any, **others: Any) -> Any:
        seen.append(query.dtype)
        return forward(query, *arguments, **others)

    monkeypatch.setattr(cpu, "torch_attention", noted)
    with faster_on_cpu(CPU):
        found = gradients(model)
    assert seen
    assert set(seen) == {torch.float32}
    assert_like(found, plain)


@pytest.mark.parametrize("family", SIZES)
def test_attention_with_dropout_is_the_same_but_for_what_is_dropped(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = gradients(make_model(family))
    dropped = []

    def noted(input: torch.Tensor, p: float, **_: Any) -> torch.Tensor:
        dropped.append((input.dim(), p))
        return input

    monkeypatch.setattr(cpu, "dropout", noted)
    monkeypatch.setitem(cpu._OnCpu.instead, functional.dropout, noted)
    with faster_on_cpu(CPU):
        found = gradients(make_model(family, **{DROPOUT[family]: 0.25}))
    assert (4, 0.25) in dropped  # weights [B, heads, T, S]
    assert_like(found, plain)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(("kind", "causal"), [("none", False), ("none", True), ("bool", False), ("added", False)])
def test_written_out_attention_is_torch_s(
    causal: bool, groups: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    query = torch.randn(2, 4, 5, 8).bfloat16().requires_grad_()
    key, value = (torch.randn(2, 4 // groups, 5, 8).bfloat16() for _ in range(2))
    seen = torch.ones(2, 1, 5, 5, dtype=torch.bool)
    seen[1, :, :, 3:] = False
    mask = {"none": None, "bool": seen, "added": torch.where(seen, 0.5, torch.finfo(torch.bfloat16).min).bfloat16()}[
        kind
    ]
    others: Any = {"scale": 0.3, "enable_gqa": groups > 1, "is_causal": causal}
    monkeypatch.setattr(cpu, "dropout", lambda input, p: input)
    found = attention(query, key, value, mask, 0.5, **others)
    plain = mask if mask is None or kind == "bool" else mask.float()
    wanted = cpu.torch_attention(query.float(), key.float(), value.float(), plain, 0.0, **others)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), wanted, rtol=0.05, atol=0.03)


def test_a_query_that_sees_nothing_stays_finite() -> None:
    query = torch.randn(1, 1, 2, 4).bfloat16().requires_grad_()
    mask = torch.tensor([[[[False, False], [True, True]]]])
    out = attention(query, query.detach(), query.detach(), mask, 0.5)
    out.sum().backward()
    assert out.isfinite().all()
    assert query.grad is not None
    assert query.grad.isfinite().all()


def test_half_precision_stays_where_no_gradient_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(cpu, "torch_attention", lambda query, *a, **b: seen.append(query.dtype))
    states = torch.zeros(1, 1, 2, 4, dtype=torch.bfloat16)
    attention(states, states, states)
    assert seen == [torch.bfloat16]


# dropout


@pytest.mark.parametrize("p", [0.05, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_dropout_drops_that_share_and_keeps_the_mean(p: float, kind: torch.dtype) -> None:
    torch.manual_seed(0)
    given = torch.ones(600, 1001, dtype=kind, requires_grad=True)
    out = dropout(given, p)
    out.float().sum().backward()
    out = out.detach()
    assert out.dtype == kind
    kept = (out != 0).float()
    assert float(kept.mean()) == pytest.approx(1 - p, abs=0.003)
    assert float(out.float().mean()) == pytest.approx(1, abs=0.02)
    assert len(out.unique()) == 2
    assert given.grad is not None
    assert given.grad.equal(out)
    # neighbours, which share a random number, and rows are dropped independently of each other
    for one, two in ((kept[:, :-1], kept[:, 1:]), (kept[:, :-2], kept[:, 2:]), (kept[:-1], kept[1:])):
        assert float((one * two).mean()) == pytest.approx((1 - p) ** 2, abs=0.005)


@given(st.lists(st.integers(0, 5), min_size=0, max_size=3), st.booleans())
def test_dropout_takes_any_shape(shape: list[int], turned: bool) -> None:
    given = torch.rand(shape) + 1
    given = given.T if turned and len(shape) == 2 else given
    out = dropout(given, 0.25)
    assert out.shape == given.shape
    assert ((out == 0) | torch.isclose(out, given / 0.75)).all()


def test_the_same_seed_drops_the_same() -> None:
    drawn = [(torch.manual_seed(seed), dropout(torch.ones(99), 0.5))[1] for seed in (1, 1, 2)]
    assert drawn[0].equal(drawn[1])
    assert not drawn[0].equal(drawn[2])


@pytest.mark.parametrize(("p", "training"), [(0.5, False), (0.0, True), (1e-9, True), (1.0, True)])
def test_nothing_or_everything_is_dropped_as_torch_does_it(p: float, training: bool) -> None:
    given = torch.rand(40)
    assert dropout(given, p, training).equal(functional.dropout(given, p, training))


# layer norms


def test_a_layer_norm_is_rounded_once_under_autocast_and_nowhere_else() -> None:
    torch.manual_seed(0)
    norm = torch.nn.LayerNorm(64)
    with torch.no_grad():
        norm.weight.uniform_(0.5, 2)
        norm.bias.uniform_(-1, 1)
    given = 3 + 2 * torch.randn(5, 7, 64)
    exact = norm(given)
    with torch.autocast("cpu", torch.bfloat16):
        of_float, of_half = (layer_norm(x, (64,), norm.weight, norm.bias, norm.eps) for x in (given, given.bfloat16()))
        doubles = layer_norm(given.double(), (64,))
        with faster_on_cpu(CPU):
            assert norm(given).equal(of_float)
    assert of_float.equal(exact.bfloat16())
    assert of_half.dtype == torch.bfloat16
    torch.testing.assert_close(of_half.float(), norm(given.bfloat16().float()), rtol=2**-8, atol=2**-8)
    assert doubles.dtype == torch.float64
    with faster_on_cpu(CPU):
        assert norm(given).equal(exact)


def test_states_between_the_layers_of_bert_are_in_half_precision() -> None:
    model, seen = make_model("bert", num_hidden_layers=2), []
    for layer in model.encoder.layer:
        layer.register_forward_hook(lambda _, inputs, output: seen.append((inputs[0].dtype, output.dtype)))
    with faster_on_cpu(CPU):
        gradients(model)
    assert seen == [(torch.bfloat16, torch.bfloat16)] * 2


# all


def test_only_this_thread_and_only_within_the_context_also_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    before = functional.dropout, functional.scaled_dot_product_attention, functional.layer_norm
    seen: list[str] = []
    monkeypatch.setitem(cpu._OnCpu.instead, functional.dropout, lambda input, **_: seen.append("ours") or input)

    def drop() -> None:
        torch.nn.Dropout(0.5)(torch.ones(3))

    def fail() -> None:
        with faster_on_cpu(CPU):
            drop()
            assert seen == ["ours"]
            other = threading.Thread(target=drop)
            other.start()
            other.join()
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    drop()
    assert seen == ["ours"]
    assert (functional.dropout, functional.scaled_dot_product_attention, functional.layer_norm) == before


def test_other_devices_are_left_alone() -> None:
    with faster_on_cpu(torch.device("meta")) as mode:
        assert mode is None


@pytest.mark.parametrize("family", SIZES)
def test_recomputed_activations_drop_the_same(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With gradient checkpointing a part of the forward pass runs again within the backward pass."""
    calls: list[int] = []

    def counted(input: torch.Tensor, p: float, training: bool = True, **_: Any) -> torch.Tensor:
        calls.append(1)
        return dropout(input, p, training)

    monkeypatch.setitem(cpu._OnCpu.instead, functional.dropout, counted)
    found = []
    for recompute in (False, True):
        model = make_model(family, **{DROPOUT[family]: 0.25})
        if recompute:
            recompute_activations(model)
        with faster_on_cpu(CPU):
            found.append((gradients(model), len(calls)))
    (plain, once), (again, more) = found
    assert more > 2 * once
    for name, gradient in plain.items():
        assert torch.equal(again[name], gradient), name


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library keeps memory in its own way")
def test_what_is_free_between_blocks_in_use_goes_back_to_the_system() -> None:
    program = """
    import ctypes
    from pathlib import Path
    from taskzoo.engine.cpu import keep_memory, return_free_memory

    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    keep_memory()
    library = ctypes.CDLL(None)
    library.malloc.restype, library.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    blocks = [library.malloc(2**20) for _ in range(64)]
    for block in blocks:
        ctypes.memset(block, 1, 2**20)
    for block in blocks[:-1]:
        library.free(block)
    kept = resident()
    return_free_memory()
    print((kept - resident()) // 2**20)
    """
    done = subprocess.run([sys.executable, "-c", dedent(program)], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 50

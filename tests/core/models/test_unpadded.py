"""Attention without padding is the same function as with it, and leaves no trace."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import transformers
from torch import nn

from taskzoo.errors import RequestError
from taskzoo.models import unpadded
from taskzoo.models.pooling import PooledClassifier, PooledConfig
from taskzoo.models.unpadded import NAME, PaddingMask, Tokens, in_one_kernel, text_by_text, without_padding

LENGTHS = [3, 17, 1, 9]
DROPOUTS = (
    *("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout", "activation_dropout"),
    *("attn_pdrop", "embd_pdrop", "resid_pdrop"),
)
ENCODER: dict[str, Any] = {
    "vocab_size": 50,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
}
SIDES = {
    f"{side}_{name}": value
    for side in ("encoder", "decoder")
    for name, value in {"layers": 2, "attention_heads": 2, "ffn_dim": 32}.items()
}
GROUPED = {**ENCODER, "num_attention_heads": 4, "num_key_value_heads": 2}
SIZES: dict[str, dict[str, Any]] = {
    "bert": ENCODER,
    "roberta": ENCODER,
    "distilbert": {"vocab_size": 50, "dim": 24, "n_layers": 2, "n_heads": 2, "hidden_dim": 32},
    "albert": {**ENCODER, "embedding_size": 16},
    "modernbert": {**ENCODER, "local_attention": 8, "global_attn_every_n_layers": 2, "pad_token_id": 0},
    "gpt2": {"vocab_size": 50, "n_embd": 24, "n_layer": 2, "n_head": 2, "n_positions": 40},
    "qwen2": GROUPED,
    "mistral": {**GROUPED, "sliding_window": 4},
    "bart": {"vocab_size": 50, "d_model": 24, "max_position_embeddings": 40, **SIDES},
    "marian": {"vocab_size": 50, "d_model": 24, "max_position_embeddings": 40, **SIDES, "pad_token_id": 0},
    "t5": {"vocab_size": 50, "d_model": 24, "d_kv": 12, "d_ff": 32, "num_layers": 2, "num_heads": 2},
}
ENCODERS, DECODERS = ("bert", "roberta", "distilbert", "albert", "modernbert"), ("gpt2", "qwen2")
Found = tuple[torch.Tensor, dict[str, torch.Tensor]]


def make(family: str, dropout: float = 0.0, **values: Any) -> Any:
    torch.manual_seed(0)
    given = {**SIZES[family], **values}
    config = transformers.AutoConfig.for_model(family, **given)
    for name in DROPOUTS:
        if hasattr(config, name):
            setattr(config, name, dropout)
    if getattr(config, "use_cache", None):
        config.use_cache = False
    return transformers.AutoModel.from_config(config).train()


def batch(lengths: list[int], side: str = "right", width: int = 0) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    width = width or max(lengths)
    ids = torch.randint(5, 50, (len(lengths), width))
    places = torch.arange(width).expand_as(ids)
    lengths_of = torch.tensor(lengths)[:, None]
    mask = (places < lengths_of if side == "right" else places >= width - lengths_of).long()
    return {"input_ids": ids * mask, "attention_mask": mask}


def both_sides(lengths: list[int], targets: list[int]) -> dict[str, torch.Tensor]:
    decoder = batch(targets)
    return {**batch(lengths), **{f"decoder_{name}": value for name, value in decoder.items()}}


def results(model: Any, inputs: dict[str, torch.Tensor], *, wanted: bool) -> Found:
    """States of the tokens of texts ``[N, H]``, and the gradients of a loss over them."""
    model.zero_grad()
    kept = inputs.get("decoder_attention_mask", inputs["attention_mask"]).bool()
    with without_padding(model, wanted=wanted):
        states = model(**inputs).last_hidden_state[kept]
        (states * torch.arange(states.numel()).sin().view_as(states)).sum().backward()
    return states.detach(), {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def assert_same(model: Any, inputs: dict[str, torch.Tensor], **tolerance: float) -> None:
    expected, gradients = results(model, inputs, wanted=False)
    found, own = results(model, inputs, wanted=True)
    tolerance = tolerance or {"rtol": 1e-4, "atol": 1e-5}
    torch.testing.assert_close(found, expected, **tolerance)
    assert own.keys() == gradients.keys()
    assert any(gradient.abs().max() > 0.01 for gradient in gradients.values())
    for name, gradient in gradients.items():
        rest = gradient - own[name]
        assert rest.norm() <= tolerance["atol"] + 10 * tolerance["rtol"] * gradient.norm(), name


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of texts of each attention without padding."""
    calls: list[int] = []

    def attend(packed: Any, of: tuple[Tokens, Tokens], **values: Any) -> torch.Tensor:
        calls.append(len(of[0].lengths))
        return text_by_text(packed, of, **values)

    monkeypatch.setattr(unpadded, "text_by_text", attend)
    return calls


@pytest.mark.parametrize("family", [*ENCODERS, *DECODERS])
def test_states_and_gradients_are_those_with_padding(family: str, counted: list[int]) -> None:
    assert_same(make(family), batch(LENGTHS))
    assert counted == [4] * (1 if family == "modernbert" else 2)


@pytest.mark.parametrize("family", ["gpt2", "qwen2", "bert"])
def test_padding_may_be_on_the_left_and_in_between(family: str, counted: list[int]) -> None:
    assert_same(make(family), batch(LENGTHS, "left"))
    inputs = batch(LENGTHS)
    inputs["attention_mask"][1, [0, 4]] = 0
    assert_same(make(family), inputs)
    assert len(counted) == 4


@pytest.mark.parametrize("targets", [[5, 2, 8, 1], [3, 17, 1, 9], [17, 3, 9, 2]])
@pytest.mark.parametrize("family", ["bart", "marian"])
def test_both_sides_of_a_text_to_text_model(family: str, targets: list[int], counted: list[int]) -> None:
    assert_same(make(family), both_sides(LENGTHS, targets))
    assert len(counted) == 6


def test_sides_without_padding_are_taken_as_a_whole(counted: list[int]) -> None:
    assert_same(make("bart"), both_sides(LENGTHS, [4, 4, 4, 4]))
    assert len(counted) == 4
    counted.clear()
    assert_same(make("bart"), both_sides([6, 6, 6, 6], [4, 2, 1, 3]))
    assert len(counted) == 2


@pytest.mark.parametrize("targets", [[5, 2, 8, 1], [3, 17, 1, 9]])
def test_two_encoders_as_a_text_to_text_model(targets: list[int], counted: list[int]) -> None:
    encoder, decoder = make("bert"), make("bert", is_decoder=True, add_cross_attention=True)
    model = transformers.EncoderDecoderModel(encoder=encoder, decoder=transformers.BertLMHeadModel(decoder.config))
    inputs = both_sides(LENGTHS, targets)
    expected = model(**inputs).logits
    with without_padding(model):
        found = model(**inputs).logits
    kept = inputs["decoder_attention_mask"].bool()
    torch.testing.assert_close(found[kept], expected[kept], rtol=1e-4, atol=1e-5)
    assert len(counted) == 6
    assert {part.config._attn_implementation for part in (model, model.encoder, model.decoder)} == {"sdpa"}


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_batches_of_one_and_without_padding(family: str, counted: list[int]) -> None:
    model = make(family)
    assert_same(model, batch([7]))
    assert_same(model, batch([5, 5, 5]))
    assert counted == []
    assert_same(model, batch([7], width=12))
    assert counted == [1, 1]


def test_a_text_without_tokens_is_left_to_the_usual_attention(counted: list[int]) -> None:
    model, inputs = make("bert").eval(), batch([4, 2, 6])
    inputs["attention_mask"][1] = 0
    expected = model(**inputs).last_hidden_state
    with without_padding(model):
        torch.testing.assert_close(model(**inputs).last_hidden_state, expected)
    assert counted == []


def test_layers_with_a_window_are_left_to_the_usual_attention(counted: list[int]) -> None:
    model = make("mistral")
    assert_same(model, batch(LENGTHS))
    assert counted == []
    assert_same(model, batch([3, 1, 2]))
    assert len(counted) == 2


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_activations_may_be_computed_again(family: str, counted: list[int]) -> None:
    model = make(family)
    model.gradient_checkpointing_enable({"use_reentrant": False})
    assert_same(model, batch(LENGTHS))
    assert len(counted) == 4


@pytest.mark.parametrize("family", ["bert", "gpt2", "bart"])
def test_half_precision(family: str, counted: list[int]) -> None:
    model = make(family)
    inputs = both_sides(LENGTHS, [5, 2, 8, 1]) if family == "bart" else batch(LENGTHS)
    with torch.autocast("cpu", torch.bfloat16):
        assert_same(model, inputs, rtol=2e-2, atol=5e-2)
    assert counted


def test_dropout_is_that_of_attention() -> None:
    """With dropout of attention alone: different each time, right in the mean, and none where a model is evaluated."""
    model, inputs = make("bert"), batch(LENGTHS)
    for layer in model.encoder.layer:
        layer.attention.self.dropout.p = 0.3
    kept = inputs["attention_mask"].bool()
    with torch.no_grad():
        expected = torch.stack([model(**inputs).last_hidden_state[kept] for _ in range(300)])
        with without_padding(model):
            found = torch.stack([model(**inputs).last_hidden_state[kept] for _ in range(300)])
            evaluated = model.eval()(**inputs).last_hidden_state[kept]
        torch.testing.assert_close(evaluated, model(**inputs).last_hidden_state[kept], rtol=1e-4, atol=1e-5)
    assert not torch.equal(found[0], found[1])
    error = (expected.var(0) / 150).sqrt()
    assert ((found.mean(0) - expected.mean(0)).abs() / error).max() < 6
    assert found.var(0).mean() == pytest.approx(float(expected.var(0).mean()), rel=0.15)


@pytest.mark.parametrize(("width", "padded"), [(8, 8), (6, 8), (20, 24)])
@pytest.mark.parametrize("flash", [True, False])
def test_kernels_get_what_they_take(flash: bool, width: int, padded: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By tensors without content: a CPU has neither kernel, but torch knows the shapes that they give, there and back.

    Of the memory-efficient one it knows those of the way back wrongly.
    """
    seen: list[list[int]] = []
    monkeypatch.setattr(unpadded, "_has_flash", lambda query, *_, **__: seen.append(list(query.shape)) or flash)
    queries, keys = (Tokens([3, 1, 4], None, torch.empty(4, dtype=torch.int32, device="meta")) for _ in range(2))
    packed = tuple(torch.empty(8, 2, width, dtype=torch.float16, device="meta", requires_grad=True) for _ in range(3))
    found = in_one_kernel(packed, (queries, keys), dropout_p=0.1, is_causal=True, scale=0.4)
    assert seen == [[8, 2, padded]]
    assert found.shape == (8, 2, width)
    assert found.requires_grad
    if not flash:
        return
    gradients = torch.autograd.grad(found.sum(), packed)
    assert [gradient.shape for gradient in gradients] == [(8, 2, width)] * 3


def test_kernels_have_the_arguments_that_they_are_given() -> None:
    """By position, in torch's own words; a version that changes them fails here and not on a GPU."""
    sizes = [f"{name}_{side}" for name in ("cum_seq", "max") for side in ("q", "k")]
    flash = [argument.name for argument in torch.ops.aten._flash_attention_forward.default._schema.arguments]
    start = ["query", "key", "value"]
    assert flash[:10] == [*start, *sizes, "dropout_p", "is_causal", "return_debug_mask"]
    efficient = [argument.name for argument in torch.ops.aten._efficient_attention_forward.default._schema.arguments]
    sizes = [f"{name}_{side}" for name in ("cu_seqlens", "max_seqlen") for side in ("q", "k")]
    assert efficient[:11] == [*start, "bias", *sizes, "dropout_p", "custom_mask_type", "compute_log_sumexp"]
    assert "scale" in flash
    assert "scale" in efficient


def test_a_cpu_has_no_flash_attention_to_choose() -> None:
    states = torch.randn(8, 2, 8)
    assert unpadded._has_flash(states, states, states, dropout_p=0.1, is_causal=True) is False


def test_tokens_are_where_the_mask_says() -> None:
    tokens = Tokens.of_mask(torch.tensor([[1, 1, 0], [0, 0, 1]]).bool(), torch.device("cpu"))
    assert tokens.lengths == [2, 1]
    assert tokens.places is not None
    assert tokens.places.tolist() == [0, 1, 5]
    assert tokens.offsets.tolist() == [0, 2, 3]
    whole = Tokens.whole(2, 3, torch.device("cpu"))
    assert (whole.lengths, whole.places, whole.offsets.tolist()) == ([3, 3], None, [0, 3, 6])
    assert tokens.offsets.dtype == whole.offsets.dtype == torch.int32
    states = torch.arange(6.0).view(2, 1, 3, 1)
    assert tokens.packed(states).flatten().tolist() == [0, 1, 5]
    assert tokens.padded(tokens.packed(states), 2, 3).flatten().tolist() == [0, 1, 0, 0, 0, 5]
    assert torch.equal(whole.padded(whole.packed(states), 2, 3), states.transpose(1, 2))


def test_the_mask_is_read_once_for_all_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    made, original = [], Tokens.of_mask.__func__
    monkeypatch.setattr(Tokens, "of_mask", classmethod(lambda cls, *given: made.append(1) or original(cls, *given)))
    with without_padding(model := make("bert")):
        model(**batch(LENGTHS))
    assert made == [1]


def test_padding_gets_zeros_from_attention() -> None:
    with without_padding(model := make("bert")):
        kept = []
        model.encoder.layer[0].attention.self.register_forward_hook(lambda *given: kept.append(given[-1][0]))
        inputs = batch(LENGTHS)
        model(**inputs)
    padding = ~inputs["attention_mask"].bool()
    assert kept[0].shape == (4, 17, 24)
    assert kept[0][padding].abs().max() == 0
    assert (kept[0][~padding].abs().amax(-1) > 0).all()


def test_text_is_generated_alike() -> None:
    model = transformers.BartForConditionalGeneration(make("bart").config).eval()
    model.config.use_cache = True
    inputs = batch(LENGTHS)
    settings = {"max_new_tokens": 6, "num_beams": 2, "do_sample": False}
    expected = model.generate(**inputs, **settings)
    with without_padding(model):
        assert torch.equal(model.generate(**inputs, **settings), expected)
    decoder = transformers.GPT2LMHeadModel(make("gpt2").config).eval()
    decoder.config.use_cache = True
    left = batch(LENGTHS, "left")
    expected = decoder.generate(**left, max_new_tokens=6, do_sample=False, pad_token_id=0)
    with without_padding(decoder):
        assert torch.equal(decoder.generate(**left, max_new_tokens=6, do_sample=False, pad_token_id=0), expected)


@pytest.mark.parametrize("before", ["sdpa", "eager"])
def test_the_model_is_as_it_was_and_its_files_have_no_trace(before: str, tmp_path: Any) -> None:
    model = make("bert")
    model.set_attn_implementation(before)
    with pytest.raises(KeyError), without_padding(model):  # noqa: PT012
        assert model.config._attn_implementation == NAME
        model.save_pretrained(tmp_path / "within")
        raise KeyError
    assert model.config._attn_implementation == before
    model.save_pretrained(tmp_path / "after")
    for folder in ("within", "after"):
        assert "taskzoo" not in (tmp_path / folder / "config.json").read_text(encoding="utf-8")
        assert transformers.AutoModel.from_pretrained(tmp_path / folder).config._attn_implementation == "sdpa"
    within, after = (json.loads((tmp_path / folder / "config.json").read_text()) for folder in ("within", "after"))
    assert within == after


def test_heads_of_this_library_and_adapters() -> None:
    import peft

    pooled = PooledClassifier(PooledConfig(make("bert").config, num_labels=3), make("bert")).eval()
    inputs = batch(LENGTHS)
    for model in (pooled, peft.get_peft_model(pooled, peft.LoraConfig(target_modules=["query", "value"]))):
        expected = model(**inputs).logits
        with without_padding(model):
            assert pooled.backbone.config._attn_implementation == NAME
            torch.testing.assert_close(model(**inputs).logits, expected, rtol=1e-4, atol=1e-5)
        assert pooled.backbone.config._attn_implementation == "sdpa"


def test_models_that_cannot_are_refused() -> None:
    for model in (make("t5"), transformers.MPNetModel(transformers.MPNetConfig(**ENCODER))):
        with pytest.raises(RequestError, match=f"that of {type(model).__name__}|that of T5"), without_padding(model):
            pass
        assert model.config._attn_implementation != NAME
    with pytest.raises(RequestError, match="for models of transformers"), without_padding(nn.Linear(2, 2)):
        pass
    with without_padding(nn.Linear(2, 2), wanted=False):
        pass


def test_what_flash_attention_does_not_have_is_refused() -> None:
    mask = PaddingMask(Tokens.of_mask(torch.tensor([[True, False]]), torch.device("cpu")), causal=True)
    states = torch.randn(1, 2, 2, 8)
    with pytest.raises(RequestError, match="Linear adds softcap to attention"):
        unpadded.unpadded_attention(nn.Linear(2, 2), states, states, states, mask, softcap=3.0)


def test_an_old_transformers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpadded, "sdpa_mask", lambda batch_size, cache_position: None)
    with pytest.raises(RequestError, match="needs a newer transformers"), without_padding(make("bert")):
        pass


@pytest.mark.parametrize(
    ("on_gpu", "flash", "dropout", "right"),
    [(True, False, 0.1, False), (True, True, 0.1, True), (True, False, 0.0, True), (False, True, 0.0, False)],
)
def test_the_memory_efficient_kernel_drops_nothing_out(on_gpu, flash, dropout, right, monkeypatch):
    """Its forward and backward passes drop different elements where texts are packed."""
    monkeypatch.setattr(unpadded, "_has_flash", lambda *_, **__: flash)
    packed = (SimpleNamespace(is_cuda=on_gpu),) * 3
    assert unpadded._kernel_is_right(packed, dropout, is_causal=False) is right

"""Adapters: what is trained, what is saved, and that merging changes nothing."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import transformers
from peft import PeftModel
from transformers import AutoModelForTokenClassification

from taskzoo.engine.checkpoint import trainable_tensors
from taskzoo.engine.lora import add_lora, count_parameters, merge_lora, target_modules
from taskzoo.errors import Interrupted, RequestError

from .kit import collate, fit, make_features, same, settings
from .test_choosing import Script

FEATURES = make_features(24)
FAST = {"optimizer": "adamw", "learning_rate": 0.02, "batch_size": 8}
KINDS = {"plain": {}, "dora": {"lora_dora": True}, "rslora": {"lora_rslora": True}}


def token_classifier(folder: str) -> torch.nn.Module:
    torch.manual_seed(0)
    model = AutoModelForTokenClassification.from_pretrained(folder, num_labels=4)
    model.config.use_cache = False
    return model


def adapted(folder: str, **values) -> PeftModel:
    return add_lora(token_classifier(folder), settings(lora_dropout=0.0, lora_rank=4, **values))


@torch.no_grad()
def logits(model: torch.nn.Module) -> torch.Tensor:
    return model.eval()(**collate(FEATURES).inputs).logits


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_adapters_and_the_head_are_trained_and_nothing_else(tiny, family):
    model = adapted(tiny(family))
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert trained
    assert all("lora_" in name or "modules_to_save" in name for name in trained)
    assert any("modules_to_save.default.weight" in name for name in trained)
    assert not any("lora_" in name and ("classifier" in name or "score" in name) for name in trained)
    assert {p.dtype for p in model.parameters() if p.requires_grad} == {torch.float32}
    assert trained <= trainable_tensors(model).keys()


def test_counts_leave_out_the_copy_of_the_head(tiny):
    plain = sum(p.numel() for p in token_classifier(tiny("bert")).parameters())
    model = adapted(tiny("bert"))
    adapters = sum(p.numel() for n, p in model.named_parameters() if "lora_" in n)
    head = 32 * 4 + 4
    assert count_parameters(model) == (adapters + head, plain + adapters)


def test_packed_weights_count_as_what_they_hold():
    packed: Any = torch.nn.Parameter(torch.zeros(6, 1, dtype=torch.uint8), requires_grad=False)
    packed.quant_state = SimpleNamespace(shape=torch.Size([3, 4]))
    model: Any = torch.nn.Module()
    model.packed, model.head = packed, torch.nn.Linear(4, 2)
    assert count_parameters(model) == (10, 22)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_a_merged_model_is_the_same_function(tiny, tmp_path, family, kind):
    model = adapted(tiny(family), **KINDS[kind])
    untrained = logits(model)
    fit(model, FEATURES, tmp_path, **FAST, epochs=3)
    expected = logits(model)
    assert (expected - untrained).abs().max() > 1e-2
    model.save_pretrained(tmp_path / "adapter")
    merged = merge_lora(model)
    assert not any("lora_" in name for name in merged.state_dict())
    torch.testing.assert_close(logits(merged), expected, atol=1e-5, rtol=1e-5)
    merged.save_pretrained(tmp_path / "model")
    reloaded = AutoModelForTokenClassification.from_pretrained(tmp_path / "model")
    torch.testing.assert_close(logits(reloaded), expected, atol=1e-5, rtol=1e-5)
    # the adapter holds the head: on another, freshly initialised head it gives the same
    torch.manual_seed(99)
    base = AutoModelForTokenClassification.from_pretrained(tiny(family), num_labels=4)
    again = PeftModel.from_pretrained(base, tmp_path / "adapter")
    torch.testing.assert_close(logits(again), expected, atol=1e-5, rtol=1e-5)


PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


@pytest.fixture
def packs_for_inference(monkeypatch):
    """``bitsandbytes`` takes any CPU for one whose instructions it lays weights out for in evaluation mode."""
    modules = pytest.importorskip("bitsandbytes.nn.modules")
    monkeypatch.setattr(modules, "has_avx512bf16", lambda: True, raising=False)


@pytest.mark.usefixtures("packs_for_inference")
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("kind", ["nf4", "fp4"])
def test_evaluation_leaves_layers_in_4_bits_as_they_are(tiny, kind, precision):
    """They give the same outputs and gradients as before, and merge into the same function."""
    dtype = PRECISIONS[precision]
    rounding = 1e-5 if dtype is torch.float32 else 0.05
    model = add_lora(token_classifier(tiny("bert")), settings(lora_dropout=0.0, lora_rank=4, lora_quantize=kind), dtype)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    autocast = torch.autocast("cpu", dtype) if dtype is not torch.float32 else nullcontext()

    def gradients() -> list[torch.Tensor]:
        model.train()
        model.zero_grad()
        with autocast:
            model(**collate(FEATURES).inputs).logits.square().sum().backward()
        return [p.grad.clone() for p in model.parameters() if p.requires_grad]

    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    before, saved = gradients(), {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with autocast:
        expected = logits(model)
    assert all(torch.equal(a, b) for a, b in zip(gradients(), before, strict=True))
    assert same(model.state_dict(), saved)
    merged = merge_lora(model)
    assert {type(m).__name__ for m in merged.modules()}.isdisjoint({"Linear4bit", "PackedLinear"})
    assert {p.dtype for p in merged.parameters()} == {torch.float32}
    torch.testing.assert_close(logits(merged), expected.float(), atol=rounding, rtol=rounding)


@pytest.mark.parametrize("family", ["bert", "t5"])
def test_a_model_trained_over_4_bits_merges_into_the_same_function(tiny, tmp_path, family):
    pytest.importorskip("bitsandbytes")
    model = adapted(tiny(family), lora_quantize="nf4")
    untrained, seen = logits(model), []

    def evaluate(trained):
        seen.append(logits(trained))
        return {"score": len(seen)}

    fit(model, FEATURES, tmp_path, **FAST, epochs=3, evaluate=evaluate)
    assert (seen[-1] - seen[0]).abs().max() > 1e-2
    assert (seen[0] - untrained).abs().max() > 1e-2
    torch.testing.assert_close(logits(merge_lora(model)), seen[-1], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("family", ["LongT5", "SwitchTransformers"])
def test_layers_by_whose_type_a_model_converts_its_inputs_are_not_packed(family):
    """Into whole bytes, if they were: another function would be trained than is saved."""
    pytest.importorskip("bitsandbytes")
    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(
        vocab_size=60, d_model=32, d_kv=16, d_ff=64, num_layers=2, num_heads=2, num_experts=2, feed_forward_proj="relu"
    )
    plain = getattr(transformers, f"{family}ForConditionalGeneration")(config)
    model = add_lora(plain, settings(lora_dropout=0.0, lora_rank=4, lora_quantize="nf4")).eval()
    ids = torch.arange(1, 25).reshape(2, 12)
    with torch.no_grad():
        expected = model(input_ids=ids, decoder_input_ids=ids).logits
        found = merge_lora(model).eval()(input_ids=ids, decoder_input_ids=ids).logits
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_a_backend_that_fails_is_said(tiny, monkeypatch):
    """Also where the package cannot be imported, as on a system that it has no build for."""
    monkeypatch.setitem(sys.modules, "bitsandbytes.nn", None)
    message = r"lora_quantize=nf4: the installed bitsandbytes fails on this device \(cpu\): ModuleNotFoundError.* leave"
    with pytest.raises(RequestError, match=message):
        adapted(tiny("bert"), lora_quantize="nf4")


def test_models_without_linear_layers_of_torch_are_not_packed(tiny):
    with pytest.raises(RequestError, match="lora_quantize=nf4 packs linear layers, and this model has none"):
        adapted(tiny("gpt2"), lora_quantize="nf4")


def test_the_scale_follows_the_options(tiny):
    def scale(**values) -> float:
        model = adapted(tiny("bert"), lora_alpha=8.0, **values)
        return model.base_model.model.bert.encoder.layer[0].attention.self.query.scaling["default"]

    assert scale() == 8 / 4
    assert scale(lora_rslora=True) == 8 / 4**0.5


def test_dora_learns_magnitudes(tiny):
    assert any("magnitude" in n for n, p in adapted(tiny("bert"), lora_dora=True).named_parameters() if p.requires_grad)


def test_the_best_adapter_and_head_come_back(tiny, tmp_path):
    model = adapted(tiny("bert"))
    seen = []

    def evaluate(trained):
        seen.append(trainable_tensors_copy(trained))
        return {"score": [0.2, 0.9, 0.1][len(seen) - 1]}

    fit(model, FEATURES, tmp_path, **FAST, epochs=3, evaluate=evaluate)
    assert same(trainable_tensors_copy(model), seen[1])
    assert not same(seen[1], seen[2])


def trainable_tensors_copy(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in trainable_tensors(model).items()}


@pytest.mark.parametrize("kind", ["", "nf4"])
def test_interrupted_and_resumed(tiny, tmp_path, kind):
    if kind:
        pytest.importorskip("bitsandbytes")

    def evaluate(trained):
        return {"score": float(logits(trained).sum())}

    results, plan = [], {**FAST, "epochs": 3, "evaluate": evaluate}
    for name, stops in (("whole", 0), ("parts", 5)):
        (tmp_path / name).mkdir()
        model = adapted(tiny("bert"), lora_quantize=kind)
        if stops:
            with pytest.raises(Interrupted):
                fit(model, FEATURES, tmp_path / name, **plan, collate=interrupting(stops))
            torch.manual_seed(5)
            model = adapted(tiny("bert"), lora_quantize=kind)
        fit(model, FEATURES, tmp_path / name, **plan)
        results.append(trainable_tensors_copy(model))
    assert same(*results)


def interrupting(number: int):
    import signal

    calls = 0

    def act(features):
        nonlocal calls
        calls += 1
        if calls == number:
            signal.raise_signal(signal.SIGINT)
        return collate(features)

    return act


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_gradients_reach_every_adapter_under_gradient_checkpointing(tiny, family):
    gradients = []
    for recompute in (False, True):
        model = token_classifier(tiny(family))
        if recompute:
            model.gradient_checkpointing_enable({"use_reentrant": False})
        wrapped = add_lora(model, settings(lora_dropout=0.0, lora_rank=4, gradient_checkpointing=recompute)).train()
        torch.manual_seed(1)
        for name, parameter in wrapped.named_parameters():
            if "lora_B" in name:  # zero at first, which keeps A's gradient at zero as well
                torch.nn.init.normal_(parameter, std=0.1)
        wrapped(**collate(FEATURES).inputs).logits.square().sum().backward()
        gradients.append({n: p.grad for n, p in wrapped.named_parameters() if p.requires_grad})
    for name, gradient in gradients[1].items():
        assert gradient is not None, name
        assert gradient.abs().max() > 0, name
        torch.testing.assert_close(gradient, gradients[0][name], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("family", "targets", "count"),
    [("bert", "attention", 8), ("bert", "all-linear", 12), ("bert", "query+value", 4), ("gpt2", "all-linear", 8)],
)
def test_targets(tiny, family, targets, count):
    names = target_modules(token_classifier(tiny(family)), targets)
    assert len(names) == count
    assert not any("classifier" in name or "score" in name for name in names)


def test_targets_that_match_nothing_are_refused(tiny):
    with pytest.raises(RequestError, match=r"matches no linear layer; some of them are bert\.encoder"):
        target_modules(token_classifier(tiny("bert")), "q_proj")


def test_the_frozen_backbone_stays(tiny, tmp_path):
    model = adapted(tiny("bert"))
    before = {n: p.detach().clone() for n, p in model.named_parameters() if not p.requires_grad}
    fit(model, FEATURES, tmp_path, **FAST, evaluate=Script([0.1, 0.2, 0.3]), epochs=3)
    after = dict(model.named_parameters())
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())

"""Adapters on models that generate: none on the output layer, new attention in full, merging changes nothing."""

from __future__ import annotations

import pytest
import torch
from peft import PeftModel

from taskzoo import registry
from taskzoo.config import make_training
from taskzoo.engine.batches import tensors
from taskzoo.engine.lora import add_lora, merge_lora, target_modules
from taskzoo.seq2seq.pair_collator import PairCollator
from taskzoo.seq2seq.pair_encoding import encode_pairs
from taskzoo.seq2seq.pair_examples import pair_example
from taskzoo.seq2seq.seq2seq_model import load_seq2seq_model
from taskzoo.seq2seq.sequence_format import find_sequence_format
from taskzoo.types import Row

from .pairs import PAIRS, checkpoint, to_chinese, tokenizer_and_config

families = pytest.mark.parametrize(
    "family", ["t5", "gpt2", "bert", *(pytest.param(name, marks=pytest.mark.slow) for name in ("bart", "marian"))]
)
SETTINGS = make_training({"method": "lora", "lora_dropout": 0.0, "lora_rank": 4})


def loaded(family: str, seed: int = 0):
    """The model, and the inputs of two pairs."""
    tokenizer, config = tokenizer_and_config(family)
    form = find_sequence_format(tokenizer, config, to_chinese())
    torch.manual_seed(seed)
    model = load_seq2seq_model(str(checkpoint(family)), form)
    rows = [pair_example(Row({"source": source, "target": target}), "train") for source, target in PAIRS[:2]]
    return model, tensors(PairCollator(form)(encode_pairs(rows, tokenizer, form).features)).inputs


def trained(family: str):
    """A model with adapters after a few steps."""
    model, inputs = loaded(family)
    wrapped = add_lora(model, SETTINGS).train()
    optimizer = torch.optim.Adam([p for p in wrapped.parameters() if p.requires_grad], lr=0.02)
    for _ in range(3):
        wrapped(**inputs).logits.square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    return wrapped.eval(), inputs


@families
def test_the_output_layer_has_no_adapter(family):
    model, _ = loaded(family)
    output = model.get_output_embeddings()
    named = {name for name, module in model.named_modules() if module is output}
    chosen = target_modules(model, "all-linear")
    assert chosen
    assert not named & set(chosen)
    assert output is model.get_output_embeddings()


@families
def test_a_merged_model_is_the_same_function(family, tmp_path):
    wrapped, inputs = trained(family)
    with torch.no_grad():
        expected = wrapped(**inputs).logits
        with wrapped.disable_adapter():
            assert (wrapped(**inputs).logits - expected).abs().max() > 1e-3
        wrapped.save_pretrained(tmp_path / "adapter")
        again = PeftModel.from_pretrained(loaded(family, seed=9)[0], tmp_path / "adapter").eval()
        torch.testing.assert_close(again(**inputs).logits, expected, atol=1e-5, rtol=1e-4)
        merged = merge_lora(wrapped)
        torch.testing.assert_close(merged(**inputs).logits, expected, atol=1e-5, rtol=1e-4)


def test_new_cross_attention_is_trained_in_full():
    before = dict(loaded("bert")[0].named_parameters())
    wrapped, _ = trained("bert")
    learnt = {name: p for name, p in wrapped.named_parameters() if p.requires_grad}
    attention = [name for name in learnt if "crossattention" in name]
    assert attention
    assert not any("lora_" in name for name in attention)
    merged = dict(merge_lora(wrapped).named_parameters())
    moved = [name for name, p in merged.items() if "crossattention" in name and not torch.equal(p, before[name])]
    assert any(name.endswith("query.weight") for name in moved)
    assert any(name.endswith("value.weight") for name in moved)


@pytest.mark.parametrize("task", ["translation", "summarization"])
def test_both_tasks_say_which_options_can_change_after_training(task):
    names = registry.load_task(task).inference_options
    assert set(names) <= set(registry.task(task).options)
    assert "num_beams" in names
    assert "max_source_length" not in names

"""Heads: what transformers itself would load, with a CRF beside it by option."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForTokenClassification, BertForTokenClassification

from taskzoo import RequestError, finetune
from taskzoo.config import make_training
from taskzoo.engine.lora import add_lora, merge_lora
from taskzoo_ner.head import load_head

LABELS = ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]


@pytest.mark.parametrize("crf", [False, True])
def test_labels_are_in_the_configuration(tiny_checkpoint: Callable[..., Path], crf: bool) -> None:
    model = load_head(str(tiny_checkpoint()), LABELS, crf=crf)
    assert isinstance(model, BertForTokenClassification)
    assert model.config.id2label == dict(enumerate(LABELS))
    assert model.config.label2id == {label: i for i, label in enumerate(LABELS)}
    assert model.config.num_labels == len(LABELS)


def test_a_crf_model_survives_saving(tiny_checkpoint: Callable[..., Path], tmp_path: Path) -> None:
    model: Any = load_head(str(tiny_checkpoint()), LABELS, crf=True)
    model.save_pretrained(tmp_path)
    again: Any = load_head(str(tmp_path), LABELS, crf=True)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name
    assert bool(again.crf.transitions.any())


def test_plain_transformers_loads_a_crf_model_as_a_linear_one(
    tiny_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    model: Any = load_head(str(tiny_checkpoint()), LABELS, crf=True)
    model.save_pretrained(tmp_path)
    plain, report = AutoModelForTokenClassification.from_pretrained(tmp_path, output_loading_info=True)
    assert type(plain) is BertForTokenClassification
    assert plain.config.architectures == ["BertForTokenClassification"]
    assert plain.config.id2label == dict(enumerate(LABELS))
    assert not report["missing_keys"]
    inputs = {"input_ids": torch.tensor([[2, 7, 8, 3]])}
    with torch.no_grad():
        assert torch.equal(plain.eval()(**inputs).logits, model.eval()(**inputs).logits)


def test_a_crf_under_adapters_is_trained_whole_and_merges(tiny_checkpoint: Callable[..., Path]) -> None:
    model: Any = load_head(str(tiny_checkpoint()), LABELS, crf=True)
    wrapped = add_lora(model, make_training({"lora_dropout": 0.0}))
    trainable = {name for name, p in wrapped.named_parameters() if p.requires_grad}
    for part in ("crf", "classifier"):
        assert any(f".{part}." in name for name in trainable), part
        assert not any(f".{part}." in name and "lora" in name for name in trainable), part
    inputs = {"input_ids": torch.tensor([[2, 7, 8, 3]])}
    with torch.no_grad():
        for parameter in wrapped.parameters():
            if parameter.requires_grad:
                parameter.normal_(std=0.1)
        before = wrapped.eval()(**inputs)
        after = merge_lora(wrapped)(**inputs)
    torch.testing.assert_close(before.logits, after.logits, rtol=1e-4, atol=1e-5)
    assert torch.equal(before.scores[0], after.scores[0])


def test_a_family_without_token_classifier_is_refused(
    tiny_checkpoint: Callable[..., Path], tmp_path: Path, demo_sentences: list[dict[str, Any]]
) -> None:
    output = tmp_path / "run"
    with pytest.raises(RequestError, match="'bart' have no token classifier"):
        finetune("ner", model=str(tiny_checkpoint("bart")), train=demo_sentences[:40], output=output)
    assert not output.exists()

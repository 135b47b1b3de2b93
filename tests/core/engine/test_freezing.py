"""Frozen weights stay as they are, bit for bit, and cost no gradient."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM, AutoModelForTokenClassification

from taskzoo.engine.freezing import backbone_of, freeze, layers_of, new_module_names
from taskzoo.errors import RequestError

from .kit import TOKENS, fit, make_features, weights


def token_classifier(folder: str) -> torch.nn.Module:
    torch.manual_seed(0)
    return AutoModelForTokenClassification.from_pretrained(folder, num_labels=4)


@pytest.mark.parametrize(
    ("family", "what", "frozen"),
    [
        ("bert", "embeddings", ["bert.embeddings."]),
        ("bert", "1", ["bert.embeddings.", "bert.encoder.layer.0."]),
        ("bert", "2", ["bert.embeddings.", "bert.encoder.layer."]),
        ("bert", "0", ["bert.embeddings."]),
        ("bert", "backbone", ["bert."]),
        ("gpt2", "1", ["transformer.wte", "transformer.wpe", "transformer.h.0."]),
        ("gpt2", "backbone", ["transformer."]),
    ],
)
def test_frozen_weights_do_not_move_and_others_do(tiny, tmp_path, family, what, frozen):
    model = token_classifier(tiny(family))
    freeze(model, what)
    still = {n for n, _ in model.named_parameters() if n.startswith(tuple(frozen))}
    before = weights(model)
    features = make_features(8)
    assert max(max(f["input_ids"]) for f in features) < TOKENS
    fit(model, features, tmp_path, optimizer="adamw", learning_rate=0.01, weight_decay=0.1, max_steps=2, batch_size=4)
    after = weights(model)
    assert still
    for name, parameter in model.named_parameters():
        assert parameter.requires_grad == (name not in still)
        assert torch.equal(before[name], after[name]) == (name in still), name
        assert name not in still or parameter.grad is None


def test_nothing_is_frozen_by_default(tiny):
    model = token_classifier(tiny("bert"))
    freeze(model, "")
    assert all(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize(("what", "message"), [("3", "more layers than the model has"), ("layers", "is not 'emb")])
def test_what_cannot_be_frozen_is_refused(tiny, what, message):
    with pytest.raises(RequestError, match=message):
        freeze(token_classifier(tiny("bert")), what)


def test_a_model_without_layers_is_refused(tiny):
    model = token_classifier(tiny("bert"))
    model.bert.encoder.layer = torch.nn.Sequential(*model.bert.encoder.layer)
    with pytest.raises(RequestError, match="no list of layers"):
        layers_of(model)


def test_the_head_is_what_stands_outside_the_backbone(tiny):
    model = token_classifier(tiny("bert"))
    assert backbone_of(model) is model.bert
    assert new_module_names(model) == ["classifier"]


def test_a_tied_language_model_head_is_no_head(tiny):
    model = AutoModelForSeq2SeqLM.from_pretrained(tiny("t5"))
    if model.config.tie_word_embeddings:
        assert new_module_names(model) == []


@pytest.mark.parametrize("family", ["t5", "marian"])
def test_freezing_everything_is_refused(tiny, family):
    with pytest.raises(RequestError, match="freeze=backbone leaves nothing to train"):
        freeze(AutoModelForSeq2SeqLM.from_pretrained(tiny(family)), "backbone")

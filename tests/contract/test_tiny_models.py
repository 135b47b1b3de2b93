"""Tiny checkpoints: true architectures that plain transformers loads, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer

from taskzoo.errors import UnknownNameError
from taskzoo.testing import FAMILIES, make_tiny_checkpoint

TEXTS = ["The mayor of Austin visited Paris.", "Nobody knew why he came, or when he would leave."]


@pytest.mark.parametrize("family", FAMILIES)
def test_plain_transformers_loads_it(tiny_checkpoint: Callable[..., Path], family: str) -> None:
    folder = tiny_checkpoint(family)
    config = AutoConfig.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder)
    assert config.model_type == family
    assert sum(parameter.numel() for parameter in model.parameters()) < 200_000
    text = "Austin visited Paris."
    ids = tokenizer(text)["input_ids"]
    assert max(ids) < config.vocab_size == len(tokenizer)
    assert tokenizer.unk_token_id not in ids or family == "gpt2"
    inputs = {"input_ids": torch.tensor([ids])}
    if config.is_encoder_decoder:
        inputs["decoder_input_ids"] = torch.tensor([[config.decoder_start_token_id]])
    with torch.no_grad():
        assert torch.isfinite(model(**inputs).last_hidden_state).all()


def test_the_seed_decides_and_the_global_state_is_left_alone(tmp_path: Path) -> None:
    def weights(name: str, seed: int) -> torch.Tensor:
        folder = make_tiny_checkpoint(tmp_path / name, "bert", TEXTS, seed=seed)
        weight: torch.Tensor = AutoModel.from_pretrained(folder).embeddings.word_embeddings.weight
        return weight.detach()

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, same, other = weights("a", 1), weights("b", 1), weights("c", 2)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_an_unknown_family_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'roberta'"):
        make_tiny_checkpoint(tmp_path / "x", "robrta", TEXTS)
    assert not (tmp_path / "x").exists()

"""Tiny checkpoints: true architectures that plain transformers loads, the same for the same seed."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoModelForSeq2SeqLM, AutoTokenizer

from taskzoo.errors import UnknownNameError
from taskzoo.testing import FAMILIES, make_tiny_checkpoint

TEXTS = ["The mayor of Austin visited Paris.", "Nobody knew why he came, or when he would leave."]
CHINESE = ["上海的市长来到了北京，没有说话。", "没有人知道他为什么来，什么时候走。"]
SHARED_ARCHITECTURE = {"mbart50": "mbart", "nllb": "m2m_100"}


@pytest.mark.parametrize("family", FAMILIES)
def test_plain_transformers_loads_it(tiny_checkpoint: Callable[..., Path], family: str) -> None:
    folder = tiny_checkpoint(family)
    config = AutoConfig.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder)
    assert config.model_type == SHARED_ARCHITECTURE.get(family, family)
    assert sum(parameter.numel() for parameter in model.parameters()) < 200_000
    text = "Austin visited Paris."
    ids = tokenizer(text)["input_ids"]
    assert max(ids) < len(tokenizer) == config.vocab_size - (8 if family == "m2m_100" else 0)
    assert tokenizer.unk_token_id not in ids or family == "gpt2"
    inputs = {"input_ids": torch.tensor([ids])}
    if config.is_encoder_decoder:
        inputs["decoder_input_ids"] = torch.tensor([[config.decoder_start_token_id or 0]])
    with torch.no_grad():
        assert torch.isfinite(model(**inputs).last_hidden_state).all()


# what the configurations of the published checkpoints say: start, forced end, pad, begin, end, tokenizer class
PUBLISHED = {
    "m2m_100": (2, None, 1, 0, 2, "M2M100Tokenizer"),
    "marian": ("last", 0, "last", 0, 0, "MarianTokenizer"),
    "mbart": (None, 2, 1, 0, 2, "MBartTokenizer"),
    "mbart50": (2, 2, 1, 0, 2, "MBart50Tokenizer"),
    "mt5": (0, None, 0, None, 1, "T5Tokenizer"),
    "nllb": (2, None, 1, 0, 2, "NllbTokenizer"),
    "pegasus": (0, 1, 0, 0, 1, "PegasusTokenizer"),
    "t5": (0, None, 0, None, 1, "T5Tokenizer"),
}


@pytest.mark.parametrize("family", PUBLISHED)
def test_generation_begins_and_ends_as_published(tmp_path: Path, family: str) -> None:
    folder = make_tiny_checkpoint(tmp_path, family, TEXTS + CHINESE)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    last = len(tokenizer) - 1
    start, forced_end, pad, begin, end, name = [last if value == "last" else value for value in PUBLISHED[family]]
    found = model.generation_config
    assert type(tokenizer).__name__ == name
    assert (tokenizer.pad_token_id, tokenizer.eos_token_id) == (pad, end)
    assert (found.decoder_start_token_id, found.forced_eos_token_id) == (start, forced_end)
    assert (found.pad_token_id, found.bos_token_id, found.eos_token_id) == (pad, begin, end)
    inputs = tokenizer(TEXTS + CHINESE, return_tensors="pt", padding=True)
    first = {} if start is not None else {"decoder_start_token_id": tokenizer.convert_tokens_to_ids("zh_CN")}
    with torch.no_grad():
        ids = model.generate(**inputs, max_new_tokens=4, num_beams=1, **first)
    assert ids.shape[0] == 4
    assert set(ids[:, 0].tolist()) == {first.get("decoder_start_token_id", start)}


@pytest.mark.parametrize("family", [*PUBLISHED, "bart"])
def test_text_comes_back_in_every_language_it_was_trained_on(tmp_path: Path, family: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(make_tiny_checkpoint(tmp_path, family, TEXTS + CHINESE))
    for text in [*TEXTS, *CHINESE, "Austin", "北京没有人"]:
        ids = tokenizer(text)["input_ids"]
        assert tokenizer.unk_token_id not in ids
        found = tokenizer.decode(ids, skip_special_tokens=True)
        assert unicodedata.normalize("NFKC", found) == unicodedata.normalize("NFKC", text)


LANGUAGES = {
    "m2m_100": {"en": "__en__", "zh": "__zh__", "de": "__de__", "fr": "__fr__"},
    "mbart": {code: code for code in ("en_XX", "zh_CN", "de_DE", "fr_XX")},
    "mbart50": {code: code for code in ("en_XX", "zh_CN", "de_DE", "fr_XX")},
    "nllb": {code: code for code in ("eng_Latn", "zho_Hans", "deu_Latn", "fra_Latn")},
}


@pytest.mark.parametrize("family", LANGUAGES)
def test_both_sides_carry_their_language(tmp_path: Path, family: str) -> None:
    english, chinese, *_ = LANGUAGES[family]
    folder = make_tiny_checkpoint(tmp_path, family, TEXTS + CHINESE)
    tokenizer = AutoTokenizer.from_pretrained(folder, src_lang=english, tgt_lang=chinese)
    codes = {name: tokenizer.convert_tokens_to_ids(token) for name, token in LANGUAGES[family].items()}
    assert len(set(codes.values()) | {tokenizer.unk_token_id}) == 5
    assert set(codes.values()) <= set(tokenizer.all_special_ids)
    place = -1 if family == "mbart" else 0
    assert tokenizer(TEXTS[0])["input_ids"][place] == codes[english]
    assert tokenizer(text_target=CHINESE[0])["input_ids"][place] == codes[chinese]
    tokenizer.src_lang = list(codes)[2]
    assert tokenizer(TEXTS[0])["input_ids"][place] == list(codes.values())[2]


def test_hidden_size_and_layers_can_be_larger(tmp_path: Path) -> None:
    for family in ("t5", "marian", "bert"):
        folder = make_tiny_checkpoint(tmp_path / family, family, TEXTS, hidden=64, layers=3)
        config = AutoConfig.from_pretrained(folder)
        assert (config.hidden_size, config.num_hidden_layers) == (64, 3)


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

"""Models without pretrained weights: the tokenizer is learnt, complete and repeatable."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import AutoModel, AutoTokenizer

from taskzoo.errors import UnknownNameError
from taskzoo.models.checkpoints import resolve_model
from taskzoo.models.scratch import ARCHITECTURES, make_scratch, parse_scratch, train_tokenizer

TEXTS = [f"The cat number {i} sat on the mat in 上海 and saw {i * 7} dogs ." for i in range(200)]


def test_names() -> None:
    assert parse_scratch("scratch:gpt2-mini") == ("gpt2", "mini")
    with pytest.raises(UnknownNameError, match="scratch:bert-tiny"):
        parse_scratch("scratch:brt-tiny")
    assert resolve_model("scratch:t5-tiny").kind == "encoder-decoder"


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_checkpoint_loads_with_plain_transformers(architecture: str, tmp_path: Path) -> None:
    checkpoint = make_scratch(resolve_model(f"scratch:{architecture}-tiny"), TEXTS, tmp_path, seed=1)
    model = AutoModel.from_pretrained(checkpoint.location)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint.location)
    assert model.config.model_type == architecture
    assert model.config.vocab_size == len(tokenizer)
    assert tokenizer.pad_token_id == model.config.pad_token_id


def test_no_character_is_unknown_and_text_comes_back() -> None:
    tokenizer = train_tokenizer(TEXTS, "bert")
    text = "A zebra 🦓 in Zürich, 東京"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.unk_token_id not in ids
    assert tokenizer.decode(ids).strip() == text


def test_the_same_texts_give_the_same_tokenizer() -> None:
    assert train_tokenizer(TEXTS, "bert").get_vocab() == train_tokenizer(TEXTS, "bert").get_vocab()


def test_special_tokens_stand_where_the_architecture_wants_them() -> None:
    bert = train_tokenizer(TEXTS, "bert")
    assert bert("cat")["input_ids"][0] == bert.cls_token_id
    assert bert("cat")["input_ids"][-1] == bert.sep_token_id
    t5 = train_tokenizer(TEXTS, "t5")
    assert t5("cat")["input_ids"][-1] == t5.eos_token_id
    gpt2 = train_tokenizer(TEXTS, "gpt2")
    assert gpt2.eos_token_id not in gpt2("cat")["input_ids"]

"""Ids to text: spaces that a tokenizer put in go, spaces that were there stay."""

from __future__ import annotations

import pytest

from taskzoo.seq2seq.text_decoder import TextDecoder
from taskzoo.testing import make_tiny_checkpoint

from .pairs import SOURCES, TARGETS, tokenizer_and_config

MIXED = ["我读 the book 。", "anna likes apples, and ben eats two.", "who is it? it's ben!"]


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bert") / "bert"
    make_tiny_checkpoint(folder, "bert", [*SOURCES, *TARGETS, *MIXED], vocabulary=400)
    import transformers

    return transformers.AutoTokenizer.from_pretrained(folder)


def again(tokenizer, text: str) -> str:
    return TextDecoder(tokenizer)(tokenizer(text)["input_ids"])


@pytest.mark.parametrize("text", ["安娜喜欢苹果。", "本看见两辆红色的大车。"])
def test_a_bert_gives_chinese_without_spaces(bert, text):
    assert " " in bert.decode(bert(text)["input_ids"], skip_special_tokens=True)
    assert again(bert, text) == text


@pytest.mark.parametrize("text", ["anna likes apples, and ben eats two.", "who is it?", "ben buys apples. eva, too!"])
def test_a_bert_gives_marks_right_after_their_word(bert, text):
    assert again(bert, text) == text


def test_spaces_between_words_of_latin_letters_stay_next_to_chinese(bert):
    assert again(bert, "我读 the book 。") == "我读the book。"


@pytest.mark.parametrize("family", ["t5", "bart", "gpt2", "marian", "mbart", "nllb"])
@pytest.mark.parametrize("text", ["Anna likes apples .", "安娜 喜欢 苹果 。", SOURCES[0], TARGETS[0]])
def test_other_tokenizers_keep_what_stood_there(family, text):
    assert again(tokenizer_and_config(family)[0], text) == text


@pytest.mark.parametrize("family", ["t5", "bart", "gpt2", "mbart", "bert"])
def test_special_tokens_and_outer_spaces_are_left_out(family):
    tokenizer = tokenizer_and_config(family)[0]
    ids = tokenizer("Anna", add_special_tokens=False)["input_ids"]
    around = [tokenizer.pad_token_id] * 2
    assert TextDecoder(tokenizer)([*around, *ids, *around]).casefold() == "anna"
    assert TextDecoder(tokenizer)([]) == TextDecoder(tokenizer)(around) == ""

"""Tokens and sentences of texts in any script."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.tokenize import tokenize

from taskzoo.metrics.sentences import split_sentences
from taskzoo.metrics.words import split_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("It's 3.5 GPUs_now!", ["it", "s", "3", "5", "gpus", "now"]),
        ("我在2024年买了iPhone。", ["我", "在", "2024", "年", "买", "了", "iphone"]),
        ("ｉＰｈｏｎｅ　１２", ["iphone", "12"]),
        ("𠀀字 ねコー", ["𠀀", "字", "ね", "コ", "ー"]),
        ("हिन्दी में", ["हिन्दी", "में"]),  # vowel signs are part of their word
        ("น้ำ", ["น\u0e49\u0e4d", "า"]),
        ("cafe\u0301 Ελλάδα", ["café", "ελλάδα"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("❤\ufe0f😀 \u200b\n\t", []),
        ("", []),
    ],
)
def test_tokens(text: str, tokens: list[str]) -> None:
    assert split_tokens(text) == tokens


@given(st.text(st.characters(codec="ascii")))
def test_tokens_of_ascii_are_those_of_rouge_score(text: str) -> None:
    assert split_tokens(text) == tokenize(text, None)


@given(st.text())
def test_any_text_has_tokens_without_blanks(text: str) -> None:
    assert all(token and not any(map(str.isspace, token)) for token in split_tokens(text))


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Cats sleep. Dogs bark! Why? Well… Yes", ["Cats sleep.", "Dogs bark!", "Why?", "Well…", "Yes"]),
        (
            "Mr. J. Smith of the U.S. Navy paid $3.50. He left.",
            ["Mr. J. Smith of the U.S. Navy paid $3.50.", "He left."],
        ),
        ('"Stop." He went. (It was late.) Then', ['"Stop."', "He went.", "(It was late.)", "Then"]),
        ("about 3 p.m. on Monday", ["about 3 p.m. on Monday"]),
        ("他说：“走吧！”我们走了。真的吗？是", ["他说：“走吧！”", "我们走了。", "真的吗？", "是"]),
        ("今天下雨.明天晴!真的?是", ["今天下雨.", "明天晴!", "真的?", "是"]),
        ("他说“好”.他走了.", ["他说“好”.", "他走了."]),
        ("版本3.5由新浪.com发布.Tom来了.", ["版本3.5由新浪.com发布.", "Tom来了."]),
        ("由J.K.罗琳创作.增长50%.用Python.它好.", ["由J.K.罗琳创作.", "增长50%.", "用Python.", "它好."]),
        ("彼は言った．値は３．５です．", ["彼は言った．", "値は３．５です．"]),
        ("一.总则。二.细则。", ["一.总则。", "二.细则。"]),
        ("f(x).y is odd.Next?No", ["f(x).y is odd.Next?No"]),
        ("one line\n\n  another one \r\n", ["one line", "another one"]),
        ("बिल्ली सोई। कुत्ता भौंका।", ["बिल्ली सोई।", "कुत्ता भौंका।"]),
        (" \n ", []),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


@given(st.text("ab. !\n。”今．一"))
def test_sentences_lose_nothing_but_blanks(text: str) -> None:
    assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())


def test_long_runs_of_marks_take_no_time() -> None:
    for text in ("." * 200_000 + "x", "今" + "”" * 200_000 + "x", "“" * 200_000 + ".x", "今." * 50_000):
        began = process_time()
        split_sentences(text)
        assert process_time() - began < 2

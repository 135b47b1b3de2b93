"""Without ``transformers`` a tokenizer gives the tokens that it gives with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taskzoo.errors import RequestError
from taskzoo.models.fast_tokenizer import FastTokenizer, TokenizerSettings
from taskzoo.models.text_encoding import encode_texts
from taskzoo.models.tokenizers import WordEncoder
from taskzoo.testing import FAMILIES

TEXTS = [
    "Ada went to Paris.",
    "an </s> [SEP] <pad> in it",
    "",
    "\u200b",
    "naïve café 北京",
    " two  spaces ",
    "word " * 900,
]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_tokens_are_the_same(tiny_tokenizer: Callable[..., Any], tmp_path: Path, family: str) -> None:
    tokenizer = tiny_tokenizer(family)
    if not tokenizer.is_fast:
        pytest.skip("written in Python")
    tokenizer.save_pretrained(tmp_path)
    fast = FastTokenizer(tmp_path, TokenizerSettings.of(tokenizer))
    for settings in ({}, {"long_texts": "windows", "max_length": 32}):
        found, expected = (encode_texts(one, TEXTS, **settings) for one in (fast, tokenizer))
        assert found == expected
    pairs = ["of two", None, "", "</s>", "b", "c", "word " * 300]
    assert encode_texts(fast, TEXTS, pairs) == encode_texts(tokenizer, TEXTS, pairs)
    words = ["Ada", "'s", "naïve", "[SEP]", "\u200b", "北京"]
    assert WordEncoder(fast)(words) == WordEncoder(tokenizer)(words)
    assert (WordEncoder(fast).prefix, WordEncoder(fast).suffix) == (
        WordEncoder(tokenizer).prefix,
        WordEncoder(tokenizer).suffix,
    )


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(RequestError, match=r"tokenizer\.json' is missing or damaged"):
        FastTokenizer(tmp_path, TokenizerSettings(512, 0, None, {}, False))

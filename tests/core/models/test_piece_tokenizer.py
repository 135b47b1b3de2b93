"""Without ``transformers`` a tokenizer of sentencepiece gives the tokens and texts that it gives with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.core.seq2seq.pairs import SOURCES, TARGETS

from taskzoo.errors import RequestError
from taskzoo.models.fast_tokenizer import TokenizerSettings
from taskzoo.models.piece_tokenizer import PieceTokenizer
from taskzoo.models.scratch_tokenizers import train_marian_tokenizer
from taskzoo.models.text_encoding import content_ids
from taskzoo.seq2seq.text_decoder import TextDecoder

TEXTS = [
    *SOURCES[:4],
    *TARGETS[:4],
    "an </s> <pad> in it",
    ">>zho<< then <<",
    ">>",
    "",
    "\u200b",
    "北京 ▁ naïve",
    "  two ",
]


def same(tokenizer: Any, folder: Path) -> PieceTokenizer:
    """What is read from its files, compared with it."""
    tokenizer.save_pretrained(folder)
    read = PieceTokenizer(folder, TokenizerSettings.of(tokenizer))
    for targets in (False, True):
        found = content_ids(read, TEXTS, targets=targets)  # type: ignore[arg-type]
        assert found == content_ids(tokenizer, TEXTS, targets=targets)
    decode, expected = TextDecoder(read), TextDecoder(tokenizer)  # type: ignore[arg-type]
    special = [*tokenizer.all_special_ids, *range(12)]
    for ids in (*content_ids(tokenizer, TEXTS, targets=True), special, [3, *special, 4]):
        assert decode(ids) == expected(ids)
        kept = {"skip_special_tokens": False, "clean_up_tokenization_spaces": False}
        assert read.decode(ids, **kept) == tokenizer.decode(ids, **kept).strip()
    assert (decode.separates_wide, decode.separates_marks) == (expected.separates_wide, expected.separates_marks)
    return read


@pytest.mark.parametrize("family", ["marian", "m2m_100"])
def test_the_tokens_and_texts_are_the_same(tiny_tokenizer: Callable[..., Any], tmp_path: Path, family: str) -> None:
    tokenizer = tiny_tokenizer(family)
    if family == "m2m_100":
        tokenizer.tgt_lang = "zh"
    same(tokenizer, tmp_path)


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_each_side_may_have_a_vocabulary(tmp_path: Path, kind: str) -> None:
    (tmp_path / "learnt").mkdir()
    tokenizer = train_marian_tokenizer(SOURCES, TARGETS, tmp_path / "learnt", kind, 300, separate=True)
    assert same(tokenizer, tmp_path).separate_vocabs


def test_a_damaged_file_is_named(tiny_tokenizer: Callable[..., Any], tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer("marian")
    tokenizer.save_pretrained(tmp_path)
    settings = TokenizerSettings.of(tokenizer)
    for name, content in (("source.spm", "x"), ("vocab.json", "[]"), ("vocab.json", json.dumps({"a": "b"}))):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_text(content)
        with pytest.raises(RequestError, match=rf"{name}' is missing or damaged"):
            PieceTokenizer(tmp_path, settings)
        (tmp_path / name).write_bytes(whole)

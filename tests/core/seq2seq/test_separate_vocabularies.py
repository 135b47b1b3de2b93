"""A tokenizer with one vocabulary for sources and another for targets: what is generated is of the targets' side."""

from __future__ import annotations

import pytest

from taskzoo.models.scratch_tokenizers import train_marian_tokenizer
from taskzoo.seq2seq.text_decoder import TextDecoder

from .pairs import SOURCES, TARGETS


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_ids_of_targets_are_read_as_targets(tmp_path, kind):
    sources = [
        f"{source} {i} {word}" for i, source in enumerate(SOURCES) for word in ("quickly", "Xylophone", "jovial")
    ]
    tokenizer = train_marian_tokenizer(sources, TARGETS[:4], tmp_path, kind, 600, separate=True)
    assert max(tokenizer.get_vocab().values()) > max(tokenizer.target_encoder.values())
    decode = TextDecoder(tokenizer)
    for text in TARGETS[:4]:
        assert decode(tokenizer(text_target=text)["input_ids"]) == text

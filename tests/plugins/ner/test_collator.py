"""Batches: padding is masked, and only the first sub-token of an owned word is a target."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from taskzoo import IGNORE_INDEX, Feature, Row
from taskzoo_ner.collator import NerCollator
from taskzoo_ner.features import encode_examples
from taskzoo_ner.rows import prepare_rows

LABELS = {"O": 0, "B-PER": 1, "I-PER": 2}


def feature(ids: list[int], positions: list[int], tags: list[int], own: tuple[int, int]) -> Feature:
    values = {"input_ids": ids, "positions": positions, "tags": tags, "own": own, "first_word": 0}
    return Feature(0, len(ids), values)


def test_shapes_and_padding() -> None:
    batch = NerCollator(9)([feature([1, 5, 6, 2], [1, 2], [1, 0], (0, 2)), feature([1, 7, 2], [1], [2], (0, 1))])
    assert batch.inputs["input_ids"].tolist() == [[1, 5, 6, 2], [1, 7, 2, 9]]
    assert batch.inputs["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]
    assert batch.targets["labels"].tolist() == [[-100, 1, 0, -100], [-100, 2, -100, -100]]
    assert batch.targets["word_positions"].tolist() == [[1, 2], [1, 0]]
    assert batch.targets["word_mask"].tolist() == [[True, True], [True, False]]
    assert batch.targets["word_tags"].tolist() == [[1, 0], [2, -100]]
    assert batch.inputs["input_ids"].dtype == np.int64


def test_the_pad_token_may_occur_in_the_text() -> None:
    """The mask goes by length: models without a pad token pad with their end token, which texts may hold."""
    batch = NerCollator(5)([feature([5, 5, 6], [0, 1, 2], [0, 0, 1], (0, 3)), feature([5], [0], [0], (0, 1))])
    assert batch.inputs["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]


def test_context_words_are_no_targets() -> None:
    batch = NerCollator(0)([feature([1, 3, 4, 5, 2], [1, 2, 3], [1, 2, 0], (1, 2))])
    assert batch.targets["labels"].tolist() == [[-100, -100, 2, -100, -100]]
    assert batch.targets["word_mask"].tolist() == [[True, True, True]]


def test_words_without_tokens_are_left_out() -> None:
    batch = NerCollator(0)([feature([1, 3, 4, 2], [1, -1, 2], [1, 2, 2], (0, 3)), feature([1, 2], [-1], [0], (0, 1))])
    assert batch.targets["word_positions"].tolist() == [[1, 2], [0, 0]]
    assert batch.targets["word_tags"].tolist() == [[1, 2], [-100, -100]]
    assert batch.targets["word_mask"].tolist() == [[True, True], [False, False]]
    assert (batch.targets["labels"][1] == IGNORE_INDEX).all()


def test_continuation_sub_tokens_are_ignored(tiny_tokenizer: Callable[..., Any]) -> None:
    tokenizer = tiny_tokenizer()
    row = Row({"tokens": ["Extraordinarily", "Abernathy", "left"], "tags": ["O", "B-PER", "O"]})
    encoded = encode_examples(prepare_rows([row], "IOB2", labelled=True), tokenizer, LABELS)
    batch = NerCollator(tokenizer.pad_token_id)(encoded.features)
    labels = batch.targets["labels"][0]
    tokens = tokenizer.convert_ids_to_tokens(batch.inputs["input_ids"][0].tolist())
    active = [i for i, label in enumerate(labels.tolist()) if label != IGNORE_INDEX]
    assert len(tokens) > 6
    assert active == encoded.features[0]["positions"]
    assert labels[active].tolist() == [0, 1, 0]
    assert not any(tokens[i].startswith("##") for i in active)

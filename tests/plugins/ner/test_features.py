"""Features: windows at word boundaries, the first sub-token of every word, nothing lost uncounted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from taskzoo import IGNORE_INDEX, Encoded, Example, RequestError, Row
from taskzoo_ner.features import encode_examples
from taskzoo_ner.rows import prepare_rows

LABELS = {"O": 0, "B-PER": 1, "I-PER": 2}
Tokenizer = Callable[..., Any]


def prepared(tokens: list[str], tags: list[str] | None = None) -> Example:
    fields = {"tokens": tokens, "tags": tags or ["O"] * len(tokens)}
    return prepare_rows([Row(fields)], "IOB2", labelled=True)[0]


def owned(encoded: Encoded, row: int = 0) -> list[int]:
    """The words of a row that its windows are responsible for, in order."""
    words: list[int] = []
    for feature in encoded.features:
        if feature.row == row:
            first, last = feature["own"]
            words.extend(range(feature["first_word"] + first, feature["first_word"] + last))
    return words


def test_a_short_row_is_one_feature(tiny_tokenizer: Tokenizer) -> None:
    tokenizer = tiny_tokenizer()
    encoded = encode_examples([prepared(["Ann", "Lee", "left"], ["B-PER", "I-PER", "O"])], tokenizer, LABELS)
    (feature,) = encoded.features
    assert feature["input_ids"] == tokenizer("Ann Lee left")["input_ids"]
    assert feature["tags"] == [1, 2, 0]
    assert owned(encoded) == [0, 1, 2]
    assert not any(encoded.counts.values())


@pytest.mark.parametrize("max_length", [8, 21, 64, 0])
@pytest.mark.parametrize("overlap", [-1, 0, 2])
def test_every_word_has_one_owner(
    tiny_tokenizer: Tokenizer, demo_sentences: list[dict[str, Any]], max_length: int, overlap: int
) -> None:
    tokenizer = tiny_tokenizer()
    tokens = [token for row in demo_sentences[:60] for token in row["tokens"]]
    rows = [prepared(tokens[:400]), prepared(tokens[:3]), prepared(tokens)]
    encoded = encode_examples(rows, tokenizer, LABELS, max_length=max_length, overlap=overlap)
    for index, row in enumerate(rows):
        assert owned(encoded, index) == list(range(len(row["_words"])))
    limit = max_length or 512
    assert max(len(feature["input_ids"]) for feature in encoded.features) <= limit
    long = [row for row in rows if len(tokenizer(row["text"])["input_ids"]) > limit]
    assert encoded.counts["windowed_rows"] == len(long)
    assert all(f["input_ids"][0] == tokenizer.cls_token_id for f in encoded.features)
    assert all(f["input_ids"][-1] == tokenizer.sep_token_id for f in encoded.features)


def test_windows_do_not_look_at_labels(tiny_tokenizer: Tokenizer) -> None:
    """Gold labels must not leak through the places of the cuts, and test rows have none to cut by."""
    tokens = [f"word{i}" for i in range(100)]
    entity = ["B-PER", *["I-PER"] * 99]
    keys = ("input_ids", "positions", "own", "first_word")
    cuts = []
    for row in (prepared(tokens), prepared(tokens, entity), Example({**prepared(tokens).fields, "tags": None})):
        features = encode_examples([row], tiny_tokenizer(), LABELS, max_length=32).features
        cuts.append([{key: feature[key] for key in keys} for feature in features])
    assert cuts[0] == cuts[1] == cuts[2]
    assert len(cuts[0]) > 5


def test_positions_are_the_first_sub_tokens(tiny_tokenizer: Tokenizer) -> None:
    tokenizer = tiny_tokenizer()
    row = prepared(["Extraordinarily", "unbelievable", "Ann"])
    (feature,) = encode_examples([row], tokenizer, LABELS).features
    sub_tokens = tokenizer.convert_ids_to_tokens(feature["input_ids"])
    assert len(sub_tokens) > 6
    assert [i for i, token in enumerate(sub_tokens) if not token.startswith("##")][1:-1] == feature["positions"]


def test_a_word_without_tokens_is_counted_and_keeps_the_others_in_place(tiny_tokenizer: Tokenizer) -> None:
    tokenizer = tiny_tokenizer()
    row = prepared(["Ann", "\u200b", "Lee", "left"], ["B-PER", "I-PER", "I-PER", "O"])
    encoded = encode_examples([row], tokenizer, LABELS)
    (feature,) = encoded.features
    assert encoded.counts["words_without_tokens"] == 1
    assert feature["positions"][1] == -1
    assert feature["tags"] == [1, 2, 2, 0]
    assert owned(encoded) == [0, 1, 2, 3]
    sub_tokens = tokenizer.convert_ids_to_tokens(feature["input_ids"])
    for word, position in (("ann", 0), ("lee", 2), ("left", 3)):
        assert word.startswith(sub_tokens[feature["positions"][position]])


def test_a_row_of_words_without_tokens(tiny_tokenizer: Tokenizer) -> None:
    encoded = encode_examples([prepared(["\u200b", "\u200b"])], tiny_tokenizer(), LABELS)
    assert encoded.features[0]["positions"] == [-1, -1]
    assert owned(encoded) == [0, 1]


def test_unknown_labels_and_cut_words_are_counted(tiny_tokenizer: Tokenizer) -> None:
    rows = [prepared(["Ann", "Rio"], ["B-PER", "B-LOC"]), prepared(["x" * 90, "Ann"], ["O", "B-PER"])]
    encoded = encode_examples(rows, tiny_tokenizer(), LABELS, max_length=16)
    assert encoded.features[0]["tags"] == [1, IGNORE_INDEX]
    assert encoded.counts["unseen_labels"] == 1
    assert encoded.counts["truncated_words"] <= 1  # an unknown word may be one token
    assert owned(encoded, 1) == [0, 1]


def test_a_word_longer_than_a_window(tiny_tokenizer: Tokenizer) -> None:
    tokenizer = tiny_tokenizer("gpt2")
    encoded = encode_examples([prepared(["x" * 900, "Ann"], ["O", "B-PER"])], tokenizer, LABELS, max_length=16)
    assert encoded.counts["truncated_words"] == 1
    assert owned(encoded) == [0, 1]
    assert max(len(feature["input_ids"]) for feature in encoded.features) <= 16


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_length": 513}, "max_length=513 exceeds the limit of the model (512)"),
        ({"max_length": 2}, "leaves no room"),
        ({"max_length": 20, "overlap": 9}, "overlap=9 on both sides does not fit"),
    ],
)
def test_impossible_lengths(tiny_tokenizer: Tokenizer, settings: dict[str, int], message: str) -> None:
    with pytest.raises(RequestError) as caught:
        encode_examples([prepared(["Ann"])], tiny_tokenizer(), LABELS, **settings)
    assert message in str(caught.value)

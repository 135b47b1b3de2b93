"""Texts and pairs as features: what is cut is counted, and no text is mistaken for markup."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from taskzoo.errors import RequestError
from taskzoo.models.text_encoding import _pieces, encode_texts
from taskzoo.models.tokenizers import special_tokens_around
from taskzoo.testing import FAMILIES

Load = Callable[..., Any]
LONG = "The mayor of Austin visited Paris and nobody knew why he came or when he would leave . " * 12


def content(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def inner(tokenizer: Any, ids: list[int]) -> list[int]:
    """Without the special tokens around."""
    prefix, suffix = special_tokens_around(tokenizer)
    assert ids[: len(prefix)] == prefix
    assert not suffix or ids[-len(suffix) :] == suffix
    return ids[len(prefix) : len(ids) - len(suffix)]


# length


@pytest.mark.parametrize("family", ["bert", "roberta", "gpt2", "t5"])
def test_what_is_truncated_is_counted(tiny_tokenizer: Load, family: str) -> None:
    tokenizer = tiny_tokenizer(family)
    texts = ["Austin", LONG, "Paris", LONG + LONG]
    whole = [content(tokenizer, text) for text in texts]
    encoded = encode_texts(tokenizer, texts, max_length=40)
    assert [f.row for f in encoded.features] == [0, 1, 2, 3]
    assert [f.length == 40 for f in encoded.features] == [False, True, False, True]
    assert all(f.length == len(f["input_ids"]) for f in encoded.features)
    kept = [inner(tokenizer, f["input_ids"]) for f in encoded.features]
    assert all(all_of_it[: len(part)] == part for part, all_of_it in zip(kept, whole, strict=True))
    cut = sum(map(len, whole)) - sum(map(len, kept))
    assert encoded.counts == {"truncated_rows": 2, "cut_tokens": cut}


def test_a_text_that_just_fits_is_whole(tiny_tokenizer: Load) -> None:
    tokenizer = tiny_tokenizer()
    length = len(tokenizer(LONG)["input_ids"])
    assert encode_texts(tokenizer, [LONG], max_length=length).counts["truncated_rows"] == 0
    assert encode_texts(tokenizer, [LONG], max_length=length - 1).counts == {"truncated_rows": 1, "cut_tokens": 1}


@pytest.mark.parametrize(("family", "expected"), [("bert", 512), ("t5", 512)])
def test_without_a_limit_it_is_the_models_and_at_most_512(tiny_tokenizer: Load, family: str, expected: int) -> None:
    (feature,) = encode_texts(tiny_tokenizer(family), [LONG * 20]).features
    assert len(feature["input_ids"]) == expected


def test_models_with_room_take_more_than_512_when_told(tiny_tokenizer: Load) -> None:
    (feature,) = encode_texts(tiny_tokenizer("t5"), [LONG * 20], max_length=700).features
    assert len(feature["input_ids"]) == 700


@pytest.mark.parametrize("max_length", [4, 5, 11, 40, 41])
def test_head_tail_keeps_both_ends_and_the_exact_length(tiny_tokenizer: Load, max_length: int) -> None:
    tokenizer = tiny_tokenizer()
    whole = content(tokenizer, LONG)
    encoded = encode_texts(tokenizer, ["Austin", LONG], max_length=max_length, long_texts="head_tail")
    short, cut = (inner(tokenizer, f["input_ids"]) for f in encoded.features)
    assert short == content(tokenizer, "Austin")[: max_length - 2]
    assert len(cut) == max_length - 2
    head = next(
        n for n in range(len(cut), -1, -1) if cut[:n] == whole[:n] and cut[n:] == whole[len(whole) - len(cut) + n :]
    )
    assert 1 <= head <= max(1, len(cut) / 4 + 1)
    assert encoded.counts["cut_tokens"] >= len(whole) - len(cut)


@given(length=st.integers(1, 400), room=st.integers(1, 60))
def test_windows_cover_every_token_with_overlap(length: int, room: int) -> None:
    ids = list(range(length))
    windows = _pieces(ids, room, "windows")
    assert sorted({i for window in windows for i in window}) == ids
    for window in windows:
        assert window == list(range(window[0], window[-1] + 1))
        assert len(window) == min(room, length)
    overlaps = [a[-1] - b[0] + 1 for a, b in pairwise(windows)]
    assert all(room // 4 <= overlap < room for overlap in overlaps)
    assert len(windows) <= math.ceil(length / (room - room // 4)) + 1


@given(length=st.integers(0, 60), room=st.integers(1, 60))
@pytest.mark.parametrize("how", ["truncate", "head_tail"])
def test_a_text_that_is_cut_fills_its_room(how: str, length: int, room: int) -> None:
    ids = list(range(length))
    (piece,) = _pieces(ids, room, how)
    assert len(piece) == min(length, room)
    assert piece == sorted(set(piece))
    if length and room > 1:
        assert piece[0] == 0
    if how == "head_tail" and length:
        assert piece[-1] == length - 1


def test_windows_of_several_rows_stand_in_order_and_are_counted(tiny_tokenizer: Load) -> None:
    tokenizer = tiny_tokenizer()
    encoded = encode_texts(tokenizer, ["Austin", LONG, "Paris"], max_length=32, long_texts="windows")
    rows = [f.row for f in encoded.features]
    assert rows == sorted(rows)
    assert set(rows) == {0, 1, 2}
    assert encoded.counts == {"truncated_rows": 0, "cut_tokens": 0, "windows_of_long_rows": rows.count(1)}
    assert rows.count(1) > 3
    assert {len(f["input_ids"]) for f in encoded.features if f.row == 1} == {32}


@pytest.mark.parametrize("max_length", [513, 10**6])
def test_a_limit_beyond_the_model_is_refused(tiny_tokenizer: Load, max_length: int) -> None:
    with pytest.raises(RequestError, match=rf"max_length={max_length} exceeds the limit of the model \(512\)"):
        encode_texts(tiny_tokenizer(), ["a"], max_length=max_length)


@pytest.mark.parametrize("max_length", [1, 2])
def test_a_limit_without_room_is_refused(tiny_tokenizer: Load, max_length: int) -> None:
    with pytest.raises(RequestError, match="leaves no room between the model's special tokens"):
        encode_texts(tiny_tokenizer(), ["a"], max_length=max_length)
    with pytest.raises(RequestError, match="leaves no room"):
        encode_texts(tiny_tokenizer(), ["a"], ["b"], max_length=max_length + 2)


# pairs


@pytest.mark.parametrize("family", ["bert", "roberta", "modernbert", "t5", "deberta-v2"])
def test_a_pair_is_encoded_as_the_tokenizer_does(tiny_tokenizer: Load, family: str) -> None:
    tokenizer = tiny_tokenizer(family)
    a, b = "The mayor visited Paris", "Who knew why he came ?"
    expected = tokenizer(a, b)
    (feature,) = encode_texts(tokenizer, [a], [b]).features
    assert feature["input_ids"] == expected["input_ids"]
    assert feature.get("token_type_ids") == expected.get("token_type_ids")
    assert ("token_type_ids" in feature.values) is (family in ("bert", "deberta-v2"))


@pytest.mark.parametrize("family", ["gpt2", "qwen2"])
def test_decoders_get_something_between_the_texts(tiny_tokenizer: Load, family: str) -> None:
    """Joined without a mark, "ab" + "c" and "a" + "bc" would be the same."""
    tokenizer = tiny_tokenizer(family)
    a, b = "The mayor visited Paris", "Who knew why he came ?"
    (feature,) = encode_texts(tokenizer, [a], [b]).features
    separator = content(tokenizer, "\n")
    assert feature["input_ids"] == content(tokenizer, a) + separator + content(tokenizer, b)
    one, other = (encode_texts(tokenizer, [x], [y]).features[0] for x, y in (("to be", "or"), ("to", "be or")))
    assert one != other


def longest_first(a: int, b: int, room: int) -> tuple[int, int]:
    """Token by token."""
    while a + b > room:
        if a > b:
            a -= 1
        else:
            b -= 1
    return a, b


@settings(max_examples=50, deadline=None)
@given(a=st.integers(0, 40), b=st.integers(0, 40), limit=st.integers(5, 50))
@pytest.mark.parametrize("family", ["bert", "roberta", "gpt2"])
def test_the_longer_text_of_a_pair_is_cut_first(tiny_tokenizer: Load, family: str, a: int, b: int, limit: int) -> None:
    tokenizer = tiny_tokenizer(family)
    room = limit - (len(tokenizer("a", "a")["input_ids"]) - 2 * len(content(tokenizer, "a")))
    if family == "gpt2":
        room -= len(content(tokenizer, "\n"))
    if room < 2:
        return
    unit_a, unit_b = "a", "?"
    assert len(content(tokenizer, f"{unit_a} {unit_a}")) == 2 * len(content(tokenizer, unit_a)) == 2
    texts = " ".join([unit_a] * a), " ".join([unit_b] * b)
    encoded = encode_texts(tokenizer, [texts[0]], [texts[1]], max_length=limit)
    (feature,) = encoded.features
    ids = feature["input_ids"]
    kept = tuple(ids.count(content(tokenizer, unit)[0]) for unit in (unit_a, unit_b))
    assert kept == longest_first(a, b, room)
    assert len(ids) <= limit
    assert encoded.counts == {"truncated_rows": int(sum(kept) < a + b), "cut_tokens": a + b - sum(kept)}
    if "token_type_ids" in feature.values:
        assert feature["token_type_ids"] == [0] * (kept[0] + 2) + [1] * (kept[1] + 1)


def test_a_row_is_encoded_alike_whether_others_have_a_second_text_or_not(tiny_tokenizer: Load) -> None:
    tokenizer = tiny_tokenizer()
    alone = encode_texts(tokenizer, ["Austin"], [None]).features
    among = encode_texts(tokenizer, ["Austin", "Paris"], [None, "France"]).features
    assert among[0] == alone[0] == encode_texts(tokenizer, ["Austin"]).features[0]
    assert "token_type_ids" in among[1].values


@pytest.mark.parametrize("how", ["windows", "head_tail"])
def test_windows_over_pairs_are_refused(tiny_tokenizer: Load, how: str) -> None:
    with pytest.raises(RequestError, match=f"long_texts={how} is for single texts; pairs are truncated"):
        encode_texts(tiny_tokenizer(), ["a"], ["b"], long_texts=how)


# odd texts


@pytest.mark.parametrize("family", FAMILIES)
def test_special_tokens_written_in_a_text_are_plain_characters(tiny_tokenizer: Load, family: str) -> None:
    tokenizer = tiny_tokenizer(family)
    special = {token for token in tokenizer.all_special_tokens if token != tokenizer.unk_token}
    special |= {"</s>", "[SEP]", "[CLS]", "<s>", "<pad>", "<|endoftext|>", "<mask>", "<extra_id_0>"}
    ids = set(tokenizer.convert_tokens_to_ids(sorted(special))) & set(tokenizer.all_special_ids) - {
        tokenizer.unk_token_id
    }
    for token in special:
        for text in (
            token,
            f"good {token} bad",
            f"{token}{token}",
            token.replace("<", "\uff1c").replace(">", "\uff1e"),
        ):
            (single,) = encode_texts(tokenizer, [text]).features
            assert not ids & set(inner(tokenizer, single["input_ids"])), text
            (pair,) = encode_texts(tokenizer, ["a"], [text]).features
            (plain,) = encode_texts(tokenizer, ["a"], ["a"]).features
            assert sum(i in ids for i in pair["input_ids"]) == sum(i in ids for i in plain["input_ids"]), text


def test_the_characters_of_a_spelled_special_token_are_kept() -> None:
    """A unigram model knows its own special tokens as pieces, and would take them."""
    pieces = [("<unk>", 0.0), ("</s>", 0.0), ("<pad>", 0.0), ("\u2581", -2.0), *((c, -3.0) for c in "</s>abgod")]
    backend = Tokenizer(models.Unigram(pieces, unk_id=0))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="<unk>", eos_token="</s>", pad_token="<pad>", model_max_length=64
    )
    assert 1 in tokenizer("good </s> bad", add_special_tokens=False, split_special_tokens=True)["input_ids"]
    (feature,) = encode_texts(tokenizer, ["good </s> bad"]).features
    tokens = tokenizer.convert_ids_to_tokens(feature["input_ids"])
    assert "".join(tokens).replace("\u2581", "") == "good</s>bad"
    assert "</s>" not in tokens


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("text", ["\u200b", "\ufeff", "\u00ad", "\x00", "\u200b\u200b \u200b"])
def test_texts_without_visible_content_have_a_feature(tiny_tokenizer: Load, family: str, text: str) -> None:
    tokenizer = tiny_tokenizer(family)
    for features in (encode_texts(tokenizer, [text]).features, encode_texts(tokenizer, [text], [text]).features):
        assert len(features) == 1
        assert features[0]["input_ids"]


def test_a_decoder_without_special_tokens_gets_one_token_for_nothing() -> None:
    backend = Tokenizer(models.WordLevel({"<unk>": 0, "<pad>": 1, "a": 2}, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.normalizer = normalizers.Replace("\u200b", "")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="<unk>", pad_token="<pad>", model_max_length=64
    )
    features = encode_texts(tokenizer, ["\u200b", "a"]).features
    assert [f["input_ids"] for f in features] == [[0], [2]]
    windows = encode_texts(tokenizer, ["\u200b", "a a a"], max_length=2, long_texts="windows").features
    assert [f.row for f in windows] == [0, 1, 1]


def test_no_texts(tiny_tokenizer: Load) -> None:
    assert encode_texts(tiny_tokenizer(), []).features == []
    assert encode_texts(tiny_tokenizer(), [], []).features == []


@pytest.mark.parametrize("family", ["bert", "t5"])
def test_a_text_of_a_megabyte(tiny_tokenizer: Load, family: str) -> None:
    tokenizer, text = tiny_tokenizer(family), (LONG * 2000)[:1_000_000]
    began = time.process_time()
    (feature,) = encode_texts(tokenizer, [text], max_length=128).features
    windows = encode_texts(tokenizer, [text], max_length=128, long_texts="windows")
    assert time.process_time() - began < 60
    assert len(feature["input_ids"]) == 128
    assert windows.counts["windows_of_long_rows"] == len(windows.features) > 1000

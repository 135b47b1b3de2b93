"""A text as words with places in it, and their sub-tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import regex

from taskzoo.models.tokenizers import WordEncoder

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff\u3040-\u30ff"
"""Ideographs and kana, which are words of their own."""
_MARK = r"\p{M}\u200c\u200d"  # of scripts that write vowels and accents so; joiners of letters and of emoji
_WORD = regex.compile(rf"[{HAN}][{_MARK}]*|[^\W{HAN}{_MARK}](?:[^\W{HAN}]|[{_MARK}])*|(?:[^\w\s]|[{_MARK}])[{_MARK}]*")


def split_words(text: str) -> list[tuple[int, int]]:
    """First and last (exclusive) character of each word: an ideograph, a run of letters and digits, or a sign.

    Combining marks and joiners belong to what they stand behind.
    """
    return [match.span() for match in _WORD.finditer(text)]


class Words(NamedTuple):
    """Words that have a sub-token: their places in the text, and their ids."""

    places: list[tuple[int, int]]
    ids: list[list[int]]


def encode_words(text: str, encoder: WordEncoder) -> Words:
    """The words of a text; those of which the tokenizer makes nothing are left out."""
    places = split_words(text)
    encoded = encoder([text[start:end] for start, end in places])
    kept = [(place, ids) for place, ids in zip(places, encoded, strict=True) if ids]
    return Words([place for place, _ in kept], [ids for _, ids in kept])


def windows(words: Words, room: int, shared: int) -> Iterator[tuple[int, int]]:
    """First and last (exclusive) word of each window of at most ``room`` sub-tokens.

    Neighbours share at least ``shared`` words where a window holds more than twice as many, so that every span of
    that many words lies in one. A word longer than a window is cut by the caller.
    """
    first, count = 0, len(words.ids)
    while True:
        last, tokens = first, 0
        while last < count and (last == first or tokens + len(words.ids[last]) <= room):
            tokens += len(words.ids[last])
            last += 1
        yield first, last
        if last >= count:
            return
        first = max(first + 1, last - min(shared, (last - first) // 2))


def covering(places: list[tuple[int, int]], start: int, end: int) -> tuple[int, int] | None:
    """The first and the last of the words that have a character of the span; ``None``: no word has."""
    inside = [i for i, (a, b) in enumerate(places) if a < end and start < b]
    return (inside[0], inside[-1]) if inside else None


def token_places(ids: list[list[int]], before: int) -> tuple[list[int], list[int]]:
    """Place of the first and of the last sub-token of each word, behind ``before`` special tokens."""
    starts, ends, at = [], [], before
    for word in ids:
        starts.append(at)
        at += len(word)
        ends.append(at - 1)
    return starts, ends


def label_tokens(processor: Any, text: str) -> list[int]:
    """The ids of a label's description, special tokens included."""
    ids: list[int] = processor(text, truncation=True, max_length=min(processor.model_max_length, 64))["input_ids"]
    return ids

"""A text as sub-tokens that know from which characters of the text they were made."""

from __future__ import annotations

from typing import Any, NamedTuple

import regex

from taskzoo.models.tokenizers import WordEncoder

IDEOGRAPHS = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
HAN = IDEOGRAPHS + "\u3040-\u30ff"
"""Ideographs and kana, which are words of their own."""
IDEOGRAPH, KANA = regex.compile(f"[{IDEOGRAPHS}]"), regex.compile("[\u3041-\u3096\u30a1-\u30fa]")
_MARK = r"\p{M}\u200c\u200d"  # of scripts that write vowels and accents so; joiners of letters and of emoji
_WORD = regex.compile(rf"[{HAN}][{_MARK}]*|[^\W{HAN}{_MARK}](?:[^\W{HAN}]|[{_MARK}])*|(?:[^\w\s]|[{_MARK}])[{_MARK}]*")
_TRAILING = regex.compile(f"[{_MARK}]")


class Tokens(NamedTuple):
    """The tokens of a text.

    Args:
        ids: of the vocabulary.
        places: first and last (exclusive) character of each; equal for a token of nothing but whitespace.
        begins: whether a word begins with it. A word is an ideograph, a run of other letters and digits, or a sign,
            with the combining marks and joiners behind it.
        ends: whether a word ends with it.
    """

    ids: list[int]
    places: list[tuple[int, int]]
    begins: list[bool]
    ends: list[bool]


class Tokenizer:
    """Sub-tokens with places, for every tokenizer; a special token that a text spells out stays plain text.

    Fast tokenizers tell the places themselves. For others, and where a text would become a special token, words are
    encoded one by one, and all sub-tokens of a word have the place of the word.
    """

    def __init__(self, processor: Any) -> None:
        self._processor = processor
        self._special = set(processor.all_special_ids) - {processor.unk_token_id}
        self._words: WordEncoder | None = None
        self._known: dict[str, Tokens] = {}

    def __call__(self, text: str) -> Tokens:
        """The tokens of a text, none of them special; encoded once."""
        if text not in self._known:
            self._known[text] = self._encode(text)
        return self._known[text]

    def _encode(self, text: str) -> Tokens:
        if self._processor.is_fast:
            found = self._processor(
                text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True, verbose=False
            )
            if self._special.isdisjoint(found["input_ids"]):
                return _tokens(text, found["input_ids"], [_trimmed(text, *place) for place in found["offset_mapping"]])
        self._words = self._words or WordEncoder(self._processor)
        places = [match.span() for match in _WORD.finditer(text)]
        encoded = self._words([text[start:end] for start, end in places])
        pairs = [(i, place) for ids, place in zip(encoded, places, strict=True) for i in ids]
        return _tokens(text, [i for i, _ in pairs], [place for _, place in pairs])


def _tokens(text: str, ids: list[int], places: list[tuple[int, int]]) -> Tokens:
    words = [match.span() for match in _WORD.finditer(text)]
    first, last = {start for start, _ in words}, {end for _, end in words}
    places = _with_marks(text, places, last)
    return Tokens(ids, places, [a < b and a in first for a, b in places], [a < b and b in last for a, b in places])


def _with_marks(text: str, places: list[tuple[int, int]], ends: set[int]) -> list[tuple[int, int]]:
    """The places; the last of a word of which the tokenizer drops marks at its end covers them."""
    told, wider = {b for a, b in places if a < b}, {}
    for end in ends - told:
        at = end
        while at not in told and at > 0 and _TRAILING.match(text, at - 1):
            at -= 1
        wider[at] = end
    return [(a, wider.get(b, b) if a < b else b) for a, b in places]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Without whitespace at the ends, which some tokenizers count to a token."""
    inside = text[start:end]
    start += len(inside) - len(inside.lstrip())
    return start, max(start, end - len(inside) + len(inside.rstrip()))

"""Unicode's composed form (NFC) as rules of a sentencepiece model, for tokenizers that have no other normaliser."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import permutations, product


def composing_rules() -> str:
    """The content of a ``normalization_rule_tsv``: what is composed, and the character that it becomes.

    Sentencepiece replaces the longest match from left to right. So every way to write a character is a rule, in
    whatever order its marks come, and so is one more mark behind it that Unicode would put before one of these.
    """
    return "".join(f"{_codes(written)}\t{_codes(composed)}\n" for written, composed in sorted(_rules().items()))


@cache
def _rules() -> dict[str, str]:
    """Every other way to write it -> the composed form."""
    parts = {c: unicodedata.normalize("NFD", c) for c in map(chr, range(sys.maxunicode + 1))}
    parts = {c: decomposed for c, decomposed in parts.items() if decomposed != c}
    marks = {mark for decomposed in parts.values() for mark in decomposed if unicodedata.combining(mark)}
    found = {written: _composed(c) for c, decomposed in parts.items() for written in _ways(decomposed)}
    found |= {c: _composed(c) for c in parts}
    marked = {c: decomposed for c, decomposed in parts.items() if unicodedata.combining(decomposed[-1])}
    for (c, decomposed), mark in product(marked.items(), marks):
        if _composed(c + mark) != _composed(c) + mark:
            found |= {start + mark: _composed(c + mark) for start in (c, decomposed)}
    return {written: composed for written, composed in found.items() if written != composed}


def _ways(decomposed: str) -> Iterator[str]:
    """The same character with its marks in any order, the first of them composed already."""
    for order in permutations(decomposed[1:]):
        whole = decomposed[0] + "".join(order)
        ways = (_composed(whole[:cut]) + whole[cut:] for cut in range(1, len(whole) + 1))
        yield from (way for way in ways if _composed(way) == _composed(decomposed))


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _codes(text: str) -> str:
    return " ".join(f"{ord(character):X}" for character in text)

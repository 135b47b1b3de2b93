"""Evidence on tokens, and the words that they are of."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from taskzoo.evidence import Word


@dataclass(frozen=True, slots=True)
class TokenEvidence:
    """The evidence on tokens.

    Args:
        tokens: of each feature, ``[T]``.
        places: where each of them stands in the texts.
        value: of the claim.
        baseline: the token that stands for nothing; empty without a baseline.
        baseline_value: of the claim there.
        residual: the difference of both that the tokens do not make up.
    """

    tokens: Sequence[np.ndarray]
    places: Sequence[Sequence[Word | None]]
    value: float
    baseline: str = ""
    baseline_value: float | None = None
    residual: float | None = None


def shared_out(found: TokenEvidence, words: Sequence[Word]) -> tuple[list[float | None], float]:
    """The evidence of each word, the sum over its tokens in all windows, and that of tokens without a word.

    A word without a token is ``None``.
    """
    sums: dict[Word, float] = {}
    elsewhere = 0.0
    by_role: dict[str, list[Word]] = {}
    for word in words:
        by_role.setdefault(word.role, []).append(word)
    for values, places in zip(found.tokens, found.places, strict=True):
        for value, place in zip(values.tolist(), places, strict=True):
            owner = None if place is None else word_at(place, by_role.get(place.role, []))
            if owner is None:
                elsewhere += value
            else:
                sums[owner] = sums.get(owner, 0.0) + value
    return [sums.get(word) for word in words], elsewhere


def word_at(place: Word, words: Sequence[Word]) -> Word | None:
    """The word that a token is of: the one it shares most characters with; of whitespace, the word right after it.

    ``words`` are those of the text, in order.
    """
    first = bisect_right(words, place.start, key=lambda word: word.end)
    best: Word | None = None
    most = 0
    for word in words[first:]:
        if word.start >= place.end:
            break
        shared = min(word.end, place.end) - max(word.start, place.start)
        if shared > most:
            best, most = word, shared
    if best is None and first < len(words) and words[first].start <= place.end:
        return words[first]
    return best


def unread_words(places: Sequence[Sequence[Word | None]], words: Sequence[Word]) -> list[Word]:
    """The words of which no feature has a token."""
    seen = TokenEvidence([np.zeros(len(row)) for row in places], places, 0.0)
    return [word for word, value in zip(words, shared_out(seen, words)[0], strict=True) if value is None]

"""Plain text to words with character offsets, for any language, without a model or a word list."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import lru_cache

from taskzoo.errors import DataError
from taskzoo.scripts import is_ideograph

from .spans import Span

_ZERO_WIDTH_JOINER = "\u200d"
# Invisible, yet part of the word they follow: soft hyphen, Mongolian vowel separator, ZWNJ, ZWJ, word joiner.
_JOINERS = "\u00ad\u180e\u200c\u200d\u2060"

_SEPARATOR, _LETTER, _IDEOGRAPH, _EXTEND, _OTHER, _SYMBOL, _FLAG, _SKIN = range(8)


@lru_cache(maxsize=1 << 16)
def _kind(char: str) -> int:
    code = ord(char)
    category = unicodedata.category(char)
    if char in _JOINERS or category[0] == "M" or 0xE0020 <= code <= 0xE007F:  # the range: tags of flag emoji
        return _EXTEND
    if char.isspace() or category in ("Cc", "Zs", "Zl", "Zp"):
        return _SEPARATOR
    if category == "Cf" and unicodedata.bidirectional(char) != "AN" and not 0x110BD <= code <= 0x110CD:
        return _SEPARATOR  # all but the visible number signs of Arabic and Kaithi
    if is_ideograph(char):
        return _IDEOGRAPH
    if category[0] in "LN":
        return _LETTER
    if 0x1F1E6 <= code <= 0x1F1FF:
        return _FLAG
    if 0x1F3FB <= code <= 0x1F3FF:
        return _SKIN
    return _SYMBOL if category in ("So", "Sm") else _OTHER


def is_separator(char: str) -> bool:
    """Whether a character separates words: whitespace, a control or an invisible format character.

    Combining marks and joiners (ZWJ, ZWNJ, soft hyphen, word joiner) are not: they belong to the word they follow. A
    joiner with no word before it is skipped all the same.
    """
    return _kind(char) == _SEPARATOR


def split_words(text: str) -> list[tuple[int, int]]:
    """The words of ``text`` as ``(start, end)`` character offsets, ``end`` exclusive, in order.

    * One Han, Hiragana or Katakana character is a word.
    * A run of other letters and digits is a word. So are runs in Hangul (written with spaces) and in Thai, Lao, Khmer
      and Myanmar, which write none: there a run may hold several words, and an entity covers whole runs.
    * Any other visible character is a word, apostrophe and hyphen included: ``Paris-based`` is three words and
      ``O'Brien`` too. An entity can so end at any of them, as in ``Germany's``, and no character is lost.
    * Combining marks and joiners belong to the character they follow (Unicode UAX 29, rule WB4). Emoji sequences
      (skin tones, ZWJ, flags, keycaps) are one word.

    Together the words hold every character but separators (:func:`is_separator`), apart from joiners that follow
    no word, and no whitespace. O(len(text)).
    """
    words: list[tuple[int, int]] = []
    position, length = 0, len(text)
    while position < length:
        start = position
        kind = _kind(text[position])
        position += 1
        if kind == _SEPARATOR or (kind == _EXTEND and text[start] in _JOINERS):
            continue
        if kind in (_LETTER, _EXTEND):
            while position < length and _kind(text[position]) in (_LETTER, _EXTEND):
                position += 1
        elif kind in (_SYMBOL, _FLAG):
            position = _end_of_symbol(text, start)
        else:
            position = _end_of_marks(text, position)
        words.append((start, position))
    return words


def _end_of_marks(text: str, position: int) -> int:
    while position < len(text) and _kind(text[position]) == _EXTEND:
        position += 1
    return position


def _end_of_symbol(text: str, start: int) -> int:
    """Where the emoji sequence (or plain symbol) that begins at ``start`` ends."""
    position = start + 1
    if _kind(text[start]) == _FLAG:  # two regional indicators make a flag
        if position < len(text) and _kind(text[position]) == _FLAG:
            position += 1
        return _end_of_marks(text, position)
    while True:
        position = _end_of_marks(text, position)
        if position == len(text):
            return position
        following = _kind(text[position])
        joined = following == _SYMBOL and text[position - 1] == _ZERO_WIDTH_JOINER
        if following != _SKIN and not joined:
            return position
        position += 1


def spans_to_words(
    words: Sequence[tuple[int, int]], char_spans: Sequence[tuple[int, int, str]]
) -> tuple[list[Span], int]:
    """Entities given in characters, as entities in words.

    A span that begins or ends inside a word covers that whole word. Whitespace at its ends does not matter.

    Args:
        words: ``(start, end)`` offsets, ascending and disjoint, as from :func:`split_words`.
        char_spans: ``(start, end, label)`` offsets, in any order.

    Returns:
        The word spans in order, disjoint, and the number of misaligned character spans: those that begin or end
        inside a word, those that hold no word, and those that share a word with a span before them (of two spans
        the one that begins first stays, or the longer one). The last two kinds have no word span.

    Raises:
        DataError: an empty span or a negative offset.
    """
    starts, ends = [start for start, _ in words], [end for _, end in words]
    spans: list[Span] = []
    misaligned = 0
    for start, end, label in sorted(char_spans, key=lambda span: (span[0], -span[1])):
        if not 0 <= start < end:
            raise DataError(f"The entity from character {start} to {end} ({label}) is empty or begins before the text.")
        first = bisect_right(ends, start)
        last = bisect_left(starts, end)  # exclusive
        if first >= last or (spans and first < spans[-1].end):
            misaligned += 1
            continue
        if starts[first] < start or ends[last - 1] > end:
            misaligned += 1
        spans.append(Span(first, last, label))
    return spans, misaligned

"""Tokens for scores of generated text, in any script."""

from __future__ import annotations

import re
import unicodedata

_HAN = ((0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
_KANA = ((0x3040, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F))
_SOUTH_EAST_ASIAN = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF))  # Thai and Lao, Burmese, Khmer

_TOKEN = re.compile(r"w[wm]*|am*")
"""In the kinds of the characters: w of a word, a alone, m a mark on the one before; anything else is a blank."""


def has_han(text: str) -> bool:
    """Whether ``text`` has a Chinese character or Japanese kana."""
    return any(low <= ord(char) <= high for char in text for low, high in _HAN + _KANA)


def split_tokens(text: str) -> list[str]:
    """Words and numbers in lower case; characters of scripts that put no blanks between words come one by one.

    Those scripts are Han, kana, Thai, Lao, Burmese and Khmer. What is neither letter nor digit (punctuation, emoji)
    parts words and is dropped; accents and vowel signs stay with their letter. Full-width forms equal plain ones
    (Unicode's NFKC). For a text in ASCII the tokens are those of ``rouge_score``.
    """
    text = unicodedata.normalize("NFKC", text).lower()
    return [text[token.start() : token.end()] for token in _TOKEN.finditer(text.translate(_KINDS))]


class _Kinds(dict[int, str]):
    """From a character to the letter of its kind, found at its first use."""

    def __missing__(self, code: int) -> str:
        category = unicodedata.category(chr(code))[0]
        alone = any(low <= code <= high for low, high in _HAN + _KANA + _SOUTH_EAST_ASIAN)
        self[code] = "m" if category == "M" else " " if category not in "LN" else "a" if alone else "w"
        return self[code]


_KINDS = _Kinds()

"""Tokens for scores of generated text, in any script."""

from __future__ import annotations

import re
import unicodedata

from taskzoo.scripts import is_unspaced

_TOKEN = re.compile(r"w[wm]*|am*")
"""In the kinds of the characters: w of a word, a alone, m a mark on the one before; anything else is a space."""


def split_tokens(text: str) -> list[str]:
    """Words and numbers in lower case; characters of scripts without spaces between words come one by one.

    Those scripts are Han, kana, Thai, Lao, Burmese and Khmer. What is neither letter nor digit (punctuation, emoji)
    separates words and is dropped; accents and vowel signs stay with their letter. Full-width forms equal plain ones
    (Unicode's NFKC). For a text in ASCII the tokens are those of ``rouge_score``.
    """
    text = unicodedata.normalize("NFKC", text).lower()
    return [text[token.start() : token.end()] for token in _TOKEN.finditer(text.translate(_KINDS))]


class _Kinds(dict[int, str]):
    """From a character to the letter of its kind, found at its first use."""

    def __missing__(self, code: int) -> str:
        category = unicodedata.category(chr(code))[0]
        self[code] = "m" if category == "M" else " " if category not in "LN" else "a" if is_unspaced(chr(code)) else "w"
        return self[code]


_KINDS = _Kinds()

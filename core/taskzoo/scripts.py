r"""Scripts of texts, and which of them put no spaces between words; by the script properties of Unicode.

Scripts are ISO 15924 codes (``Latn``, ``Arab``); Han is ``Hani``, and Hiragana and Katakana are one, ``Kana``. The
strings are sets for patterns of ``regex`` in its version 1: ``regex.compile(f"{IDEOGRAPH}+", regex.V1)``; they nest,
as in ``rf"[{UNSPACED}\p{{sc=Hang}}]"``.
"""

from __future__ import annotations

from collections import Counter
from functools import cache

import regex

IDEOGRAPH = r"[[\p{scx=Hani}\p{scx=Hira}\p{scx=Kana}]&&[\p{L}\p{Nl}]]"
"""A Chinese character or Japanese kana, iteration and length marks included."""

UNSPACED = rf"[{IDEOGRAPH}\p{{sc=Thai}}\p{{sc=Laoo}}\p{{sc=Mymr}}\p{{sc=Khmr}}]"
"""A character of a script without spaces between words: Han, kana, Thai, Lao, Burmese and Khmer."""

WIDE = rf"[{IDEOGRAPH}\p{{ea=F}}[\p{{ea=W}}&&\p{{P}}]]"
"""A Chinese or Japanese character or punctuation mark, full-width forms included: no space belongs next to one."""

_CODES = (
    "Arab Armn Beng Cyrl Deva Ethi Geor Grek Gujr Guru Hang Hani Hebr Khmr Knda Laoo Latn Mlym Mymr Orya Sinh Taml Telu"
    " Thaa Thai Tibt"
)
_SCRIPT = regex.compile(
    "|".join([*(rf"(?P<{code}>\p{{sc={code}}})" for code in _CODES.split()), r"(?P<Kana>\p{sc=Hira}|\p{sc=Kana})"])
)
_IDEOGRAPH = regex.compile(IDEOGRAPH, regex.V1)
_UNSPACED = regex.compile(UNSPACED, regex.V1)
_UNSPACED_LANGUAGES = frozenset({"ja", "th", "yue", "zh"})


@cache
def script_of(char: str) -> str:
    """The script of a character; ``""`` for digits and punctuation shared by scripts, and for rare scripts."""
    match = _SCRIPT.match(char)
    return str(match.lastgroup) if match else ""


def scripts_in(text: str) -> Counter[str]:
    """How many characters of ``text`` belong to each script."""
    counts: Counter[str] = Counter()
    for char, count in Counter(text).items():
        if script := script_of(char):
            counts[script] += count
    return counts


def main_script(text: str) -> str:
    """The script of most characters, of equals the one that comes first; ``""`` for a text without any."""
    counts = scripts_in(text)
    return counts.most_common(1)[0][0] if counts else ""


@cache
def is_ideograph(char: str) -> bool:
    """Whether a character is Han or kana, in which one character is a sensible unit."""
    return _IDEOGRAPH.match(char) is not None


@cache
def is_unspaced(char: str) -> bool:
    """Whether a character belongs to a script without spaces between words, as in :data:`UNSPACED`."""
    return _UNSPACED.match(char) is not None


def has_han(text: str) -> bool:
    """Whether ``text`` has a Chinese character or Japanese kana."""
    return _IDEOGRAPH.search(text) is not None


def joiner(language: str) -> str:
    """What goes between two texts of a language (by its code) that are concatenated: a space, or nothing."""
    return "" if language in _UNSPACED_LANGUAGES else " "

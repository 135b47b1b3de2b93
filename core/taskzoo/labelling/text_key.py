"""What texts have in common that differ in case, spaces, punctuation or forms of characters only."""

from __future__ import annotations

import unicodedata

_KEPT = "LMNS"
"""Categories of characters that count: letters, marks, numbers and symbols, among which are pictures."""


def text_key(text: str) -> str:
    """A text without what seldom matters; one that is nothing else, such as a smiley, without its spaces only."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in plain if unicodedata.category(c)[0] in _KEPT) or "".join(plain.split())

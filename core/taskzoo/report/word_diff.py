"""A generated text against a reference, word by word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from markupsafe import Markup

from taskzoo.scripts import is_unspaced

from .markup import html, joined, text

MOST_WORDS = 300
"""Only the beginning of a longer text is compared."""
_WORD = re.compile(r"\s+|\w+|[^\w\s]")


def split_words(value: str) -> list[str]:
    """Words, spaces and other characters, which together are the text; scripts without spaces come by character."""
    words: list[str] = []
    for word in _WORD.findall(value):
        words.extend(word if any(map(is_unspaced, word)) else [word])
    return words


def nearest(value: str, references: Sequence[str]) -> str:
    """The reference that shares most with a text; ``""`` without any."""
    words = split_words(value)[:MOST_WORDS]

    def likeness(reference: str) -> float:
        return SequenceMatcher(None, words, split_words(reference)[:MOST_WORDS], autojunk=False).ratio()

    return max(references, key=likeness, default="") if len(references) != 1 else references[0]


def word_diff(value: str, reference: str) -> Markup:
    """The text, with ``<ins>`` around what the reference lacks and ``<del>`` around what only the reference has."""
    ours, theirs = split_words(value), split_words(reference)
    more = len(ours) > MOST_WORDS or len(theirs) > MOST_WORDS
    ours, theirs = ours[:MOST_WORDS], theirs[:MOST_WORDS]
    parts, removed, added = list[Markup](), "", ""
    for kind, a, b, c, d in [*SequenceMatcher(None, theirs, ours, autojunk=False).get_opcodes(), ("equal", 0, 0, 0, 0)]:
        old, new = "".join(theirs[a:b]), "".join(ours[c:d])
        if kind != "equal" or new.isspace():  # words that are replaced in a row are one change
            removed, added = removed + old, added + new
            continue
        parts += [_changed(removed, added), text(new)]
        removed = added = ""
    return joined(parts) + (html('<span class="more">… (only the first {} words)</span>', MOST_WORDS) if more else "")


def _changed(removed: str, added: str) -> Markup:
    if removed == added:
        return text(added)
    return joined(
        [html("<del>{}</del>", removed) if removed else Markup(), html("<ins>{}</ins>", added) if added else Markup()]
    )

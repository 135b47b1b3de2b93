"""Texts as words, and texts of which words are left out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import regex

from taskzoo.evidence import Claim, Word
from taskzoo.scripts import UNSPACED

INSTEAD = "_"
"""Stands for a word of the entity that is explained, which must keep its place, and where no word is left."""

_LETTER = rf"[[\p{{L}}\p{{N}}\p{{M}}]--{UNSPACED}]"
_JOINED = regex.compile(rf"{_LETTER}{{2}}", regex.V1)
_INSIDE = rf"['’_]{_LETTER}+|(?<=\p{{N}})[.,]\p{{N}}+"
_SIGN = r"[^\s\p{L}\p{N}\p{C}]"
_WORD = regex.compile(rf"{UNSPACED}\p{{M}}*|{_LETTER}+(?:{_INSIDE})*|{_SIGN}(?:{_SIGN}|\u200d)*", regex.V1)


def cut_words(role: str, text: str) -> list[Word]:
    """The words of a text.

    A word is a run of letters and digits, with apostrophes inside, or a number; in scripts without spaces between
    words, each character; or a run of punctuation marks and symbols.
    """
    return [Word(role, found.start(), found.end()) for found in _WORD.finditer(text)]


def without(inputs: Mapping[str, str], left_out: Collection[Word], claim: Claim) -> tuple[dict[str, str], Claim]:
    """The texts without some of their words, and the claim with its span where it then stands.

    A word of the span is replaced by :data:`INSTEAD`, so that there is something of which the claim can be true.
    """
    texts: dict[str, str] = {}
    for role, text in inputs.items():
        span = claim.span if claim.span is not None and claim.span.role == role else None
        edits = [_edit(text, word, span) for word in sorted(left_out) if word.role == role]
        parts, place = [], 0
        for edit in edits:
            parts += [text[place : edit.start], edit.put]
            place = edit.end
        parts.append(text[place:])
        found = "".join(parts)
        texts[role] = found if found.strip() else INSTEAD
        if span is not None:
            moved = Word(role, _moved(span.start, edits, first=True), _moved(span.end, edits, first=False))
            claim = replace(claim, span=moved)
    return texts, claim


class _Edit(NamedTuple):
    """The characters from ``start`` to ``end`` become ``put``."""

    start: int
    end: int
    put: str


def _edit(text: str, word: Word, span: Word | None) -> _Edit:
    """How a word is left out: with one of the spaces around it, and never so that its neighbours become one word."""
    start, end = word.start, word.end
    if span is not None and start < span.end and span.start < end:
        return _Edit(start, end, INSTEAD)
    before, after = text[max(0, start - 1) : start], text[end : end + 1]
    if before and after and _JOINED.fullmatch(before + after):
        return _Edit(start, end, " ")
    return _Edit(start, end + (after.isspace() and (not before or before.isspace())), "")


def _moved(place: int, edits: Sequence[_Edit], *, first: bool) -> int:
    """Where a place in the text is after the edits; inside of one, at its beginning (``first``) or its end."""
    shift = 0
    for edit in edits:
        if edit.end <= place:
            shift += len(edit.put) - (edit.end - edit.start)
        elif edit.start < place:
            return edit.start + shift + (0 if first else len(edit.put))
    return place + shift

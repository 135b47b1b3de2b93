"""Sentences of a text, by their marks."""

from __future__ import annotations

import re

_CLOSING = "\"'”’»)\\]」』）】》〉"
_END = re.compile(
    rf"[。！？｡]+[{_CLOSING}]*"  # Chinese and Japanese marks end a sentence wherever they are
    rf"|[.!?…؟۔।]+[{_CLOSING}]*(?=\s)"  # others before whitespace
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'“‘])(?:[A-Z]|(?:[A-Za-z]\.)+[A-Za-z]|Mr|Mrs|Ms|Dr|Prof|Rev|Gen|Sen|Rep|Gov|Lt|Col|Sgt|Capt|Jr|Sr|St|Mt"
    r"|No|vs|etc|cf|al|Inc|Ltd|Co|Corp|Jan|Feb|Mar|Apr|Aug|Sept?|Oct|Nov|Dec)\.$"
)


def split_sentences(text: str) -> list[str]:
    """The sentences of ``text``, without whitespace around them; an empty text has none.

    A line break always ends one. So do ``。！？``, and ``. ! ? …`` and their Arabic and Hindi counterparts before
    whitespace, closing quotes and brackets included; except for a full stop after an initial or a common English
    abbreviation, or before a lower-case letter.
    """
    sentences = []
    for line in text.splitlines():
        start = 0
        for mark in _END.finditer(line):
            if mark.group().startswith(".") and _goes_on(line[start : mark.end()], line[mark.end() :]):
                continue
            sentences.append(line[start : mark.end()])
            start = mark.end()
        sentences.append(line[start:])
    return [stripped for sentence in sentences if (stripped := sentence.strip())]


def _goes_on(before: str, after: str) -> bool:
    return after.lstrip()[:1].islower() or _ABBREVIATION.search(before) is not None

"""Sentences of a text, by their marks."""

from __future__ import annotations

import regex

from taskzoo.scripts import IDEOGRAPH

_CLOSING = "\"'”’»)\\]」』）】》〉"
_END = regex.compile(
    rf"[。！？｡]+[{_CLOSING}]*"  # Chinese and Japanese marks end a sentence wherever they are
    rf"|(?<![.!?…؟۔।])[.!?…؟۔।]++[{_CLOSING}]*+(?=\s)"  # others before whitespace
    rf"|(?<={IDEOGRAPH}[{_CLOSING}]{{,3}})[.!?．]+[{_CLOSING}]*"  # or behind a Chinese or Japanese character
    rf"|(?<=[^\s\d.!?])[.!?]++[{_CLOSING}]*+(?={IDEOGRAPH})",  # or before one, but for numbers
    regex.V1,
)
_ENUMERATED = regex.compile(r"\s*[一二三四五六七八九十]+[.．]")
_ABBREVIATION = regex.compile(
    rf"(?:^|[\s(\"'“‘]|{IDEOGRAPH})(?:[A-Z]|(?:[A-Za-z]\.)+[A-Za-z]|Mr|Mrs|Ms|Dr|Prof|Rev|Gen|Sen|Rep|Gov|Lt|Col|Sgt|Capt|Jr|Sr|St|Mt"
    r"|No|vs|etc|cf|al|Inc|Ltd|Co|Corp|Jan|Feb|Mar|Apr|Aug|Sept?|Oct|Nov|Dec)\.$",
    regex.V1,
)


def split_sentences(text: str) -> list[str]:
    """The sentences of ``text``, without whitespace around them; an empty text has none.

    A line break always ends one. So do ``。！？``; ``. ! ?`` next to a Chinese or Japanese character; and ``. ! ? …``
    and their Arabic and Hindi counterparts before whitespace. Closing quotes and brackets belong to the sentence. A
    full stop ends none after an initial, a common English abbreviation or the number of a list, nor before a
    lower-case letter.
    """
    sentences = []
    for line in text.splitlines():
        start = 0
        for mark in _END.finditer(line):
            if mark.group()[0] in ".．" and _goes_on(line[start : mark.end()], line[mark.end() :]):
                continue
            sentences.append(line[start : mark.end()])
            start = mark.end()
        sentences.append(line[start:])
    return [stripped for sentence in sentences if (stripped := sentence.strip())]


def _goes_on(before: str, after: str) -> bool:
    rest = after.lstrip()[:1].islower() or _ENUMERATED.fullmatch(before)
    return bool(rest or _ABBREVIATION.search(before))

"""Sentences of a text, by their marks."""

from __future__ import annotations

from collections.abc import Iterator

import regex

from taskzoo.scripts import IDEOGRAPH

_CLOSING = "\"'”’»)\\]」』）】》〉"
_SPACED = ".!?…؟۔।॥։។៕།༎"  # Arabic, Urdu, Hindi, Armenian, Khmer and Tibetan
_END = regex.compile(
    rf"[。！？｡။።፧]+[{_CLOSING}]*"  # Chinese, Japanese, Burmese and Ethiopic marks end a sentence wherever they are
    rf"|(?<![{_SPACED}])[{_SPACED}]++[{_CLOSING}]*+(?=\s)"  # others before whitespace
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
_LONGEST = 40
"""Characters of an abbreviation."""
_FOLLOWING = regex.compile(r"\s*+(.?)")


def split_sentences(text: str) -> list[str]:
    """The sentences of ``text``, without whitespace around them; an empty text has none.

    A line break always ends one. So do ``。！？`` and the marks of Burmese and Ethiopic; ``. ! ?`` next to a Chinese or
    Japanese character; and ``. ! ? …`` and their counterparts in Arabic, Hindi, Armenian, Khmer and Tibetan before
    whitespace. Thai has no such mark. Closing quotes and brackets belong to the sentence. A full stop ends none after
    an initial, a common English abbreviation or the number of a list, nor before a lower-case letter. O(len(text)).
    """
    return list(sentences_of(text))


def sentences_of(text: str) -> Iterator[str]:
    """The same one by one, each found when it is asked for."""
    for line in text.splitlines():
        start = 0
        for mark in _END.finditer(line):
            if mark.group()[0] in ".．" and _goes_on(line, start, mark.end()):
                continue
            if sentence := line[start : mark.end()].strip():
                yield sentence
            start = mark.end()
        if sentence := line[start:].strip():
            yield sentence


def _goes_on(line: str, start: int, end: int) -> bool:
    """Whether the sentence from ``start`` does not end with its full stop before ``end``."""
    if _FOLLOWING.match(line, end)[1].islower() or _ENUMERATED.fullmatch(line, start, end):
        return True
    return _ABBREVIATION.search(line[max(start, end - _LONGEST) : end]) is not None

"""What the offsets of spans count, found by the text that spans carry with them.

Tools count characters (code points), UTF-16 units (JavaScript, Java) or bytes, from 0 or 1, and give the end with or
without the last character. Where spans say which text they cover, exactly one of these must be right for all of them;
where none is, the file contradicts itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from taskzoo.errors import DataError, shown
from taskzoo.types import Row

from .forms import Marked, RawSpan, error, plain

CHARACTERS = "characters"

_SIZES: dict[str, Callable[[str], int]] = {
    CHARACTERS: lambda char: 1,
    "UTF-16 units": lambda char: 1 + (ord(char) > 0xFFFF),
    "bytes": lambda char: len(char.encode("utf-8", "surrogatepass")),
}


class Unit(NamedTuple):
    """What offsets count.

    Args:
        counted: a name in :data:`_SIZES`.
        first: the offset of the first one.
        last: whether the end is the last one inside, and not the first one behind.
    """

    counted: str
    first: int = 0
    last: bool = False

    @property
    def name(self) -> str:
        return f"{self.counted}{' from 1' if self.first else ''}{' with inclusive ends' if self.last else ''}"


UNITS = [Unit(name, first, last) for first, last in ((0, False), (0, True), (1, True)) for name in _SIZES]


def to_characters(rows: Sequence[tuple[Row, Marked]]) -> tuple[str, list[list[RawSpan]]]:
    """The name of the unit that all rows together have, and the spans of each row in characters, ends exclusive.

    Raises:
        DataError: a span contradicts its own text in every unit, or lies outside the text.
    """
    failed: list[tuple[int, DataError]] = []
    for unit in UNITS:
        converted = [list(_convert(form, unit)) for _, form in rows]
        wrong = [pair for pair in _pairs(rows, converted) if not _fits(pair[1], pair[2])]
        if not wrong:
            break
        failed.append((len(wrong), _contradiction(*wrong[0])))
    else:
        raise min(failed, key=lambda attempt: attempt[0])[1]
    for row, form, span, raw in _pairs(rows, converted):
        if not 0 <= span.start < span.end <= len(form.text):
            where = f"the span {raw.start}-{raw.end} ({raw.label}) lies outside the text"
            count = f"which has {len(form.text)} characters (start counts from 0, end is exclusive)"
            raise error(row, f"{where}, {count}.")
    return unit.name, converted


def _convert(form: Marked, unit: Unit) -> Iterator[RawSpan]:
    """The spans in characters; offsets inside a character, or beyond the text, become -1."""
    size = _SIZES[unit.counted]
    every = unit.counted == CHARACTERS
    places = {} if every else {at: i for i, at in enumerate(accumulate(map(size, form.text), initial=0))}
    for span in form.spans or ():
        start, end = span.start - unit.first, span.end - unit.first + unit.last
        if not every:
            if unit.last:  # the last unit may be any of its character
                end = next((at for at in range(end, end + 4) if at in places), -1)
            start, end = places.get(start, -1), places.get(end, -1)
        yield span._replace(start=start, end=end)


def fits(form: Marked, unit: Unit) -> bool:
    """Whether the text has, in this unit, what all spans that carry their text say."""
    return all(_fits(form, span) for span in _convert(form, unit))


def _pairs(
    rows: Sequence[tuple[Row, Marked]], converted: Sequence[Sequence[RawSpan]]
) -> Iterator[tuple[Row, Marked, RawSpan, RawSpan]]:
    """Row, its form, and each span in characters and as written."""
    for (row, form), spans in zip(rows, converted, strict=True):
        for span, raw in zip(spans, form.spans or (), strict=True):
            yield row, form, span, raw


def _fits(form: Marked, span: RawSpan) -> bool:
    """Whether the text has there what the span says; whitespace aside."""
    if span.text is None:
        return True
    return 0 <= span.start < span.end <= len(form.text) and _same(form.text[span.start : span.end], span.text)


def _same(a: str, b: str) -> bool:
    return a == b or plain(a) == plain(b)


def _contradiction(row: Row, form: Marked, span: RawSpan, raw: RawSpan) -> DataError:
    found = form.text[max(span.start, 0) : max(span.end, 0)]
    said = f"the span {raw.start}-{raw.end} ({raw.label}) says {shown(raw.text)} and the text has {shown(found)} there"
    at = form.text.find(raw.text or "")
    hint = f"{shown(raw.text)} begins at {at}" if at >= 0 else "the text does not contain it"
    return error(row, f"{said}; {hint}. Offsets count characters from 0, the end exclusive.")

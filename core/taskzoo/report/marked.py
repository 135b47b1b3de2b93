"""Entities marked in their text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from .markup import html, joined, name, text

BEFORE, LONGEST = 150, 600
"""Characters of a long text that are shown before its first error, and in all."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """An entity of type ``label`` in the characters from ``start`` to ``end``."""

    start: int
    end: int
    label: str


def spans_of(entities: Any, length: int) -> list[Span]:
    """The entities of a prediction that lie within a text of this length, in order."""
    found = []
    for entity in entities if isinstance(entities, list) else ():
        start, end = (entity.get("start"), entity.get("end")) if isinstance(entity, dict) else (None, None)
        if isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= length:
            found.append(Span(start, end, str(entity.get("label"))))
    return sorted(set(found))


def window(value: str, errors: Iterable[Span]) -> tuple[int, int]:
    """The part of a text that is shown: all of it, or that around the first error."""
    if len(value) <= LONGEST:
        return 0, len(value)
    first = min((span.start for span in errors), default=0)
    start = max(0, first - BEFORE)
    return start, min(len(value), start + LONGEST)


def marked(value: str, spans: Sequence[Span], wrong: Mapping[Span, str], shown: tuple[int, int]) -> Markup:
    """The part ``shown`` of a text with its spans marked.

    Args:
        value: the text.
        spans: in order; one that begins inside of another is left out.
        wrong: span -> what is wrong with it, in a word; the others are right.
        shown: from and to.
    """
    start, end = shown
    parts: list[Markup] = [html('<span class="more">… </span>')] if start else []
    place = start
    for span in spans:
        if span.start < place or span.end > end:
            continue
        parts.append(text(value[place : span.start]))
        what = wrong.get(span)
        label = html("<small>{}{}</small>", name(span.label), f" · {what}" if what else "")
        kind = "wrong" if what else "right"
        parts.append(html('<mark class="{}">{}{}</mark>', kind, value[span.start : span.end], label))
        place = span.end
    parts.append(text(value[place:end]))
    if end < len(value):
        parts.append(html('<span class="more"> … {} more characters</span>', f"{len(value) - end:,}"))
    return joined(parts)

"""Entities as spans of words, and IOB2 tags.

Two readings of IOB2 exist. They differ only on tag sequences that IOB2 does not allow:

* strict: an entity is ``B-X (I-X)*`` and nothing else (seqeval's ``mode="strict"``);
* conlleval: an ``I-X`` that continues nothing begins an entity, as in the Perl script of the CoNLL shared tasks
  (Tjong Kim Sang & Buchholz 2000).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """Words ``start`` to ``end`` (0-based, ``end`` exclusive) form an entity of type ``label``."""

    start: int
    end: int
    label: str


def strict_spans(tags: Sequence[str]) -> list[Span]:
    """The entities of one sentence in IOB2, in order; an ``I-X`` that continues no entity of type ``X`` is outside.

    Raises:
        ValueError: a tag that is not IOB2.
    """
    return _spans(tags, strict=True)


def conlleval_spans(tags: Sequence[str]) -> list[Span]:
    """Like :func:`strict_spans`, but an ``I-X`` after ``O``, another type or nothing begins an entity.

    Raises:
        ValueError: a tag that is not IOB2.
    """
    return _spans(tags, strict=False)


def _spans(tags: Sequence[str], strict: bool) -> list[Span]:
    spans = []
    start, label = -1, ""  # of the open entity; label "" when none is open
    for position, tag in enumerate(tags):
        prefix, found = _split(tag)
        if prefix == "I" and found == label:
            continue
        if label:
            spans.append(Span(start, position, label))
        opens = prefix == "B" or (prefix == "I" and not strict)
        start, label = position, found if opens else ""
    if label:
        spans.append(Span(start, len(tags), label))
    return spans


def spans_to_tags(spans: Iterable[Span], length: int) -> list[str]:
    """IOB2 tags for a sentence of ``length`` words.

    Raises:
        ValueError: a span that is empty, leaves the sentence or overlaps another.
    """
    tags = ["O"] * length
    for start, end, label in spans:
        if not 0 <= start < end <= length:
            raise ValueError(f"The span {start} to {end} ({label}) does not fit a sentence of {length} words.")
        if any(tag != "O" for tag in tags[start:end]):
            raise ValueError(f"The span {start} to {end} ({label}) overlaps another span.")
        tags[start:end] = [f"B-{label}", *[f"I-{label}"] * (end - start - 1)]
    return tags


def repair(tags: Sequence[str]) -> list[str]:
    """Valid IOB2 from any: an ``I-X`` that follows neither ``B-X`` nor ``I-X`` becomes ``B-X``; the rest stays.

    For tags put together from several windows. The result's strict entities are the input's conlleval entities.

    Raises:
        ValueError: a tag that is not IOB2.
    """
    repaired = []
    previous = ""
    for tag in tags:
        prefix, label = _split(tag)
        repaired.append(f"B-{label}" if prefix == "I" and label != previous else tag)
        previous = label
    return repaired


def _split(tag: str) -> tuple[str, str]:
    if tag == "O":
        return "O", ""
    if len(tag) > 2 and tag.startswith(("B-", "I-")):
        return tag[0], tag[2:]
    raise ValueError(f"{tag!r} is not an IOB2 tag: expected O, B-TYPE or I-TYPE.")

"""Rows checked and brought to one form: words with offsets, IOB2 tags, entities in characters.

An example has the fields ``text``, ``words`` (list of ``(start, end)``), ``tags`` (IOB2, or ``None`` without
labels), ``entities`` (list of ``{"start", "end", "label"}``, or ``None``), ``invalid`` (invalid transitions found) and
``misaligned`` (entities that begin or end inside a word).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from taskzoo.errors import DataError
from taskzoo.types import Example, Row

from .schemes import detect_scheme, explain_unknown, invalid_transitions, to_iob2, unknown_tags
from .spans import spans_to_tags, strict_spans
from .words import spans_to_words, split_words


def prepare_rows(rows: Sequence[Row], scheme: str, *, labelled: bool) -> list[Example]:
    """All rows of one split; a ``scheme`` of ``"auto"`` is detected from all of them together.

    Raises:
        DataError: rows without words, tags that do not fit, spans outside the text, ...
    """
    tagged = [_checked_tags(row) for row in rows if labelled and row.get("tags") is not None]
    found = detect_scheme(tagged) if scheme == "auto" else scheme
    return [_prepare(row, found, labelled) for row in rows]


def _prepare(row: Row, scheme: str, labelled: bool) -> Example:
    if row.get("tokens") is not None:
        return _from_tokens(row, scheme, labelled)
    text = row.get("text")
    if text is None:
        raise _error(row, "a row needs 'tokens' or 'text'.")
    if not isinstance(text, str):
        raise _error(row, f"the text {text!r} is not a string.")
    if not labelled:
        return _unlabelled(row, text, split_words(text))
    if not text.strip():
        raise _error(row, "the text is empty.")
    if row.get("spans") is None:
        raise _error(row, "the row has a text but no 'spans' (an empty list if it holds no entity).")
    return _from_spans(row, text, row["spans"])


def _from_tokens(row: Row, scheme: str, labelled: bool) -> Example:
    tokens = row["tokens"]
    if isinstance(tokens, str) or not isinstance(tokens, Sequence) or not all(isinstance(t, str) for t in tokens):
        raise _error(row, "'tokens' must be a list of words.")
    if not tokens:
        raise _error(row, "the row has no tokens.")
    if any(not token for token in tokens):
        raise _error(row, f"token {list(tokens).index('') + 1} is empty.")
    ends = list(accumulate(len(token) + 1 for token in tokens))  # each with the space behind it
    words = [(end - len(token) - 1, end - 1) for token, end in zip(tokens, ends, strict=True)]
    text = " ".join(tokens)
    if not labelled:
        return _unlabelled(row, text, words)
    raw = _checked_tags(row)
    if len(raw) != len(tokens):
        raise _error(row, f"{len(tokens)} tokens but {len(raw)} tags.")
    try:
        tags = to_iob2(raw, scheme)
    except DataError as error:
        raise _error(row, str(error)) from None
    entities = [{"start": words[s.start][0], "end": words[s.end - 1][1], "label": s.label} for s in strict_spans(tags)]
    invalid = len(invalid_transitions(raw, scheme))
    return row.example(text=text, words=words, tags=tags, entities=entities, invalid=invalid, misaligned=0)


def _checked_tags(row: Row) -> list[str]:
    tags = row.get("tags")
    if tags is None:
        raise _error(row, "the row has tokens but no 'tags'; labelled data needs a second column or field.")
    if isinstance(tags, str) or not isinstance(tags, Sequence):
        raise _error(row, "'tags' must be a list with one tag per token.")
    unknown = unknown_tags(tags)
    if unknown:
        offset = list(tags).index(unknown[0])
        line = row.line + offset if _has_line_per_word(row) else row.line
        where = "" if line > row.line or not offset else f"Word {offset + 1}: "
        raise DataError(where + explain_unknown(unknown[0]), file=row.source, line=line)
    return list(tags)


def _has_line_per_word(row: Row) -> bool:
    """Whether the row comes from a file with one word per line."""
    path = Path(row.source.removesuffix(".gz"))
    return bool(row.line) and path.suffix not in ("", ".json", ".jsonl") and Path(row.source).is_file()


def _from_spans(row: Row, text: str, spans: Any) -> Example:
    if not isinstance(spans, Sequence) or isinstance(spans, str):
        raise _error(row, "'spans' must be a list.")
    found = sorted((_span(row, text, span) for span in spans), key=lambda s: (s[0], s[1]))
    for before, after in pairwise(found):
        if after[0] < before[1]:
            raise _error(row, f"the spans {before} and {after} overlap; this task finds flat entities only.")
    words = split_words(text)
    word_spans, misaligned = spans_to_words(words, found)
    entities = [{"start": start, "end": end, "label": label} for start, end, label in found]
    tags = spans_to_tags(word_spans, len(words))
    return row.example(text=text, words=words, tags=tags, entities=entities, invalid=0, misaligned=misaligned)


def _span(row: Row, text: str, span: Any) -> tuple[int, int, str]:
    if isinstance(span, Mapping):
        start, end = span.get("start"), span.get("end")
        label = span.get("label", span.get("type", span.get("entity_group")))
    elif isinstance(span, Sequence) and not isinstance(span, str) and len(span) == 3:
        start, end, label = span
    else:
        raise _error(row, f"the span {span!r} is not {{start, end, label}} or [start, end, label].")
    if type(start) is not int or type(end) is not int or not isinstance(label, str) or not label.strip():
        raise _error(row, f"the span {span!r} needs whole numbers start and end and a label.")
    if not 0 <= start < end <= len(text):
        outside = f"the span {start}-{end} ({label}) lies outside the text, which has {len(text)} characters"
        raise _error(row, f"{outside} (start counts from 0, end is exclusive).")
    stripped = text[start:end]
    start += len(stripped) - len(stripped.lstrip())
    end -= len(stripped) - len(stripped.rstrip())
    if start >= end:
        raise _error(row, f"the span {span!r} holds only whitespace.")
    return start, end, label


def _unlabelled(row: Row, text: str, words: list[tuple[int, int]]) -> Example:
    return row.example(text=text, words=words, tags=None, entities=None, invalid=0, misaligned=0)


def _error(row: Row, message: str) -> DataError:
    return DataError(message, file=row.source, line=row.line)

"""Rows as readers give them, checked and brought to one form: words with offsets, IOB2 tags, entities in characters.

A prepared row has the fields ``text``, ``words`` (list of ``(start, end)``), ``tags`` (IOB2, or ``None`` without
labels), ``entities`` (list of ``{"start", "end", "label"}``, or ``None``), ``invalid`` (invalid transitions found) and
``misaligned`` (entities that begin or end inside a word).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from taskzoo import DataError, Row

from .schemes import detect_scheme, explain_unknown, invalid_transitions, to_iob2, unknown_tags
from .spans import spans_to_tags, strict_spans
from .words import spans_to_words, split_words


def prepare_rows(rows: Sequence[Row], scheme: str, *, labelled: bool) -> list[Row]:
    """All rows of one split; ``scheme`` ``"auto"`` is found from all of them together.

    Raises:
        DataError: rows without words, tags that do not fit, spans outside the text, ...
    """
    tagged = [_checked_tags(row) for row in rows if labelled and row.get("tags") is not None]
    found = detect_scheme(tagged) if scheme == "auto" else scheme
    return [_prepare(row, found, labelled) for row in rows]


def plain_row(text: str, source: str = "input", line: int = 0) -> Row:
    """A prepared row for text without labels."""
    return _row(Row({}, source, line), text, split_words(text), None, None)


def _prepare(row: Row, scheme: str, labelled: bool) -> Row:
    if row.get("tokens") is not None:
        return _from_tokens(row, scheme, labelled)
    text = row.get("text")
    if text is None:
        raise _error(row, "a row needs 'tokens' or 'text'.")
    if not isinstance(text, str) or not text.strip():
        raise _error(row, "the text is empty." if isinstance(text, str) else f"the text {text!r} is not a string.")
    if not labelled:
        return plain_row(text, row.source, row.line)
    if row.get("spans") is None:
        raise _error(row, "the row has a text but no 'spans' (an empty list if it holds no entity).")
    return _from_spans(row, text, row["spans"])


def _from_tokens(row: Row, scheme: str, labelled: bool) -> Row:
    tokens = row["tokens"]
    if isinstance(tokens, str) or not isinstance(tokens, Sequence) or not all(isinstance(t, str) for t in tokens):
        raise _error(row, "'tokens' must be a list of words.")
    if not tokens:
        raise _error(row, "the row has no tokens.")
    if any(not token for token in tokens):
        raise _error(row, f"token {list(tokens).index('') + 1} is empty.")
    words, position = [], 0
    for token in tokens:
        words.append((position, position + len(token)))
        position += len(token) + 1
    text = " ".join(tokens)
    if not labelled:
        return _row(row, text, words, None, None)
    raw = _checked_tags(row)
    if len(raw) != len(tokens):
        raise _error(row, f"{len(tokens)} tokens but {len(raw)} tags.")
    try:
        tags = to_iob2(raw, scheme)
    except DataError as error:
        raise _error(row, str(error)) from None
    entities = [{"start": words[s.start][0], "end": words[s.end - 1][1], "label": s.label} for s in strict_spans(tags)]
    return _row(row, text, words, tags, entities, invalid=len(invalid_transitions(raw, scheme)))


def _checked_tags(row: Row) -> list[str]:
    tags = row.get("tags")
    if tags is None:
        raise _error(row, "the row has tokens but no 'tags'; labelled data need a second column or field.")
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
    """Whether the row comes from a file of columns, where the words of a row stand on lines of their own."""
    path = Path(row.source.removesuffix(".gz"))
    return bool(row.line) and path.suffix not in ("", ".json", ".jsonl") and Path(row.source).is_file()


def _from_spans(row: Row, text: str, spans: Any) -> Row:
    if not isinstance(spans, Sequence) or isinstance(spans, str):
        raise _error(row, "'spans' must be a list.")
    found = sorted((_span(row, text, span) for span in spans), key=lambda s: (s[0], s[1]))
    for before, after in pairwise(found):
        if after[0] < before[1]:
            raise _error(row, f"the spans {before} and {after} overlap; this task finds flat entities only.")
    words = split_words(text)
    word_spans, misaligned = spans_to_words(words, found)
    entities = [{"start": start, "end": end, "label": label} for start, end, label in found]
    return _row(row, text, words, spans_to_tags(word_spans, len(words)), entities, misaligned=misaligned)


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
        raise _error(
            row,
            f"the span {start}-{end} ({label}) lies outside the text, which has {len(text)} characters "
            "(start counts from 0, end is exclusive).",
        )
    stripped = text[start:end]
    start += len(stripped) - len(stripped.lstrip())
    end -= len(stripped) - len(stripped.rstrip())
    if start >= end:
        raise _error(row, f"the span {span!r} holds only white space.")
    return start, end, label


def _row(
    row: Row,
    text: str,
    words: list[tuple[int, int]],
    tags: list[str] | None,
    entities: list[dict[str, Any]] | None,
    *,
    invalid: int = 0,
    misaligned: int = 0,
) -> Row:
    fields = {"text": text, "words": words, "tags": tags, "entities": entities}
    return Row({**fields, "invalid": invalid, "misaligned": misaligned}, row.source, row.line)


def _error(row: Row, message: str) -> DataError:
    return DataError(message, file=row.source, line=row.line)

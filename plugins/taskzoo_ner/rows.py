"""Rows checked and brought to one form: words with offsets, IOB2 tags, entities in characters.

An example has the fields ``text``, ``tags`` (IOB2, or ``None`` without labels) and ``entities`` (list of ``{"start",
"end", "label"}``, or ``None``). Not shown to people are ``_words`` (list of ``(start, end)``), ``_scheme`` (of the tags
it came with, or ``None``) and ``_found`` (what was noticed in it, and how often).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from taskzoo.data.readers.names import extension
from taskzoo.errors import DataError
from taskzoo.types import Example, Row

from .forms import Marked, RawSpan, Words, error, read_form
from .offsets import CHARACTERS, UNITS, Unit, fits, to_characters
from .schemes import detect_scheme, explain_unknown, invalid_transitions, name_types, to_iob2, unknown_tags
from .spans import spans_to_tags, strict_spans
from .words import spans_to_words, split_words

MOST_TELLING = 10_000
"""Rows that may be told apart by their tags; more show that these are not tags."""


def prepare_rows(rows: Sequence[Row], scheme: str, *, labelled: bool) -> list[Example]:
    """All rows of one split; its tag scheme (``"auto"``) and what its offsets count are told from all of them together.

    Raises:
        DataError: rows without words, tags that do not fit, spans outside the text, ...
    """
    forms = [read_form(row, labelled=labelled) for row in rows]
    if not labelled:
        return [_unlabelled(row, form) for row, form in zip(rows, forms, strict=True)]
    marked = [(row, form) for row, form in zip(rows, forms, strict=True) if isinstance(form, Marked)]
    unit, converted = to_characters(marked)
    spans = iter(converted)
    tagged = [(row, form) for row, form in zip(rows, forms, strict=True) if isinstance(form, Words)]
    written = _tags(tagged, scheme)
    tags = iter(written)
    scheme = detect_scheme(written) if scheme == "auto" else scheme
    examples = []
    for row, form in zip(rows, forms, strict=True):
        if isinstance(form, Words):
            examples.append(_from_tags(row, form, next(tags), scheme))
        else:
            examples.append(_from_spans(row, form, next(spans), unit))
    return examples


def telling_rows(rows: Iterable[Row]) -> list[Row] | None:
    """Of labelled rows those that show the scheme of the tags and what offsets count; ``None`` if these are many.

    The scheme is told by which tags follow which, and what offsets count by the spans that rule out the others.

    Raises:
        DataError: as :func:`prepare_rows`, for the form of a row.
    """
    found: list[Row] = []
    known: set[tuple[object, object]] = set()
    ruled_out: set[Unit] = set()
    for row in rows:
        form = read_form(row, labelled=True)
        if isinstance(form, Words):
            tags = [tag if isinstance(tag, str) else repr(tag) for tag in form.tags or []]
            tells: set[Any] = {*zip(["", *tags], tags, strict=False)} - known
            known |= {*zip(["", *tags], tags, strict=False)}
        else:
            tells = {unit for unit in UNITS if unit not in ruled_out and not fits(form, unit)}
            ruled_out |= {unit for unit in UNITS if unit in tells}
        if tells:
            found.append(row)
            if len(found) > MOST_TELLING:
                return None
    return found


def _unlabelled(row: Row, form: Words | Marked) -> Example:
    text, words = _joined(form.tokens) if isinstance(form, Words) else (form.text, split_words(form.text))
    return row.example(text=text, _words=words, tags=None, entities=None, _scheme=None, _found={})


def _joined(tokens: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """The tokens with spaces between them, and where each stands."""
    ends = list(accumulate(len(token) + 1 for token in tokens))  # each with the space behind it
    words = [(end - len(token) - 1, end - 1) for token, end in zip(tokens, ends, strict=True)]
    return " ".join(tokens), words


# tags


def _tags(rows: Sequence[tuple[Row, Words]], scheme: str) -> list[list[str]]:
    """The tags of all rows, each with a type.

    Raises:
        DataError: something that is not a tag.
    """
    tags = name_types([form.tags or [] for _, form in rows], scheme)
    for (row, form), named in zip(rows, tags, strict=True):
        if unknown := unknown_tags(named):
            offset = named.index(unknown[0])
            line = row.line + offset if _has_line_per_word(row) else row.line
            where = "" if line > row.line or not offset else f"Word {offset + 1}: "
            raise DataError(where + explain_unknown((form.tags or [])[offset]), file=row.source, line=line)
    return tags


def _has_line_per_word(row: Row) -> bool:
    """Whether the row comes from a file with one word per line."""
    return bool(row.line) and extension(Path(row.source)) not in ("", ".json", ".jsonl") and Path(row.source).is_file()


def _from_tags(row: Row, form: Words, raw: Sequence[str], scheme: str) -> Example:
    text, words = _joined(form.tokens)
    try:
        tags = to_iob2(raw, scheme)
    except DataError as problem:
        raise error(row, str(problem)) from None
    entities = [{"start": words[s.start][0], "end": words[s.end - 1][1], "label": s.label} for s in strict_spans(tags)]
    found = {"invalid_transitions": len(invalid_transitions(raw, scheme))}
    return row.example(text=text, _words=words, tags=tags, entities=entities, _scheme=scheme, _found=found)


# spans


def _from_spans(row: Row, form: Marked, spans: Sequence[RawSpan], unit: str) -> Example:
    text = form.text
    trimmed = sorted(_trimmed(row, text, span) for span in spans)
    unique = list(dict.fromkeys(trimmed))
    for before, after in pairwise(unique):
        if after[0] < before[1]:
            raise error(row, f"the spans {before} and {after} overlap; this task finds flat entities only.")
    words = split_words(text)
    word_spans, misaligned = spans_to_words(words, unique)
    entities = [{"start": start, "end": end, "label": label} for start, end, label in unique]
    tags = spans_to_tags(word_spans, len(words))
    found = {"misaligned_entities": misaligned, "repeated_spans": len(trimmed) - len(unique)}
    if unit != CHARACTERS:
        found[f"spans counted in {unit}, converted"] = len(spans)
    return row.example(text=text, _words=words, tags=tags, entities=entities, _scheme=None, _found=found)


def _trimmed(row: Row, text: str, span: RawSpan) -> tuple[int, int, str]:
    """A span without what belongs to no word at its ends: whitespace, controls, invisible characters."""
    inside = split_words(text[span.start : span.end])
    if not inside:
        raise error(row, f"the span {span.start}-{span.end} ({span.label}) holds no visible character.")
    return span.start + inside[0][0], span.start + inside[-1][1], span.label

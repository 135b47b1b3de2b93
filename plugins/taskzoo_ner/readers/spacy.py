"""What spaCy is trained on: ``(text, {"entities": [(start, end, label)]})`` as Python or JSON; the JSON of version 2.

Python files are parsed, never run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

from taskzoo.data.columns import Columns
from taskzoo.data.readers import FileReader
from taskzoo.data.readers.files import to_text
from taskzoo.data.readers.json_values import Numbered, json_values
from taskzoo.data.readers.span_lists import count_left_out, flat_spans
from taskzoo.types import Row

_PAIRS = re.compile(r"(?:^|=)\s*[\[(]\s*(?:[\[(]\s*)?[rub]?[\"']", re.MULTILINE)
_ENTITIES = re.compile(r"[\"']entities[\"']\s*:")
_ANNOTATOR = re.compile(r'\{\s*("classes"\s*:\s*\[[^\]]*\]\s*,\s*)?"annotations"\s*:\s*\[\s*(null\s*,\s*)*\[')
_SPAN = ("start", "end", "label")
_VERSION_2 = re.compile(r'"paragraphs"\s*:\s*\[')


class SpacyPairs(FileReader):
    """One row per text with its entities."""

    name = "spacy"
    suffixes = (".spacy",)
    roles = ("text", "spans")

    def matches(self, head: bytes) -> bool:
        start = head.decode("utf-8", "ignore").lstrip("\ufeff").lstrip()
        if not _ENTITIES.search(start):
            return False
        return _ANNOTATOR.match(start) is not None or (start[:1] != "{" and _PAIRS.search(start) is not None)

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        if not data.lstrip()[:1].isascii() or b"\0" in data[:1000]:
            how = "write its docs as JSON lines with [[e.start_char, e.end_char, e.label_] for e in doc.ents] as spans"
            raise columns.error(f"this is a binary DocBin of spaCy; read it with spaCy and {how} and doc.text as text.")
        text = to_text(data, columns.source)
        rows = []
        for line, value in _values(text, columns):
            with columns.leaving_out():
                rows += [] if value is None else [_pair(line, value, columns)]
        return columns.rows(rows)


class SpacyJson(FileReader):
    """One row per sentence, with its words and tags."""

    name = "spacy-json"
    roles = ("tokens", "tags")

    def matches(self, head: bytes) -> bool:
        text = head.decode("utf-8", "ignore")
        return _VERSION_2.search(text) is not None and '"orth"' in text

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        rows = []
        for line, document in json_values(to_text(data, columns.source), columns):
            try:
                sentences = [s["tokens"] for p in document["paragraphs"] for s in p["sentences"]]
                words = [([t["orth"] for t in s], [t.get("ner", "O") for t in s]) for s in sentences if s]
            except (KeyError, TypeError):
                columns.leave_out(columns.error("this document lacks paragraphs, sentences, tokens or 'orth'.", line))
                continue
            rows += [
                (line, {"tokens": tokens, "tags": ["O" if t == "-" else t for t in tags]}) for tokens, tags in words
            ]
        return columns.rows(rows)


def _values(text: str, columns: Columns) -> list[Numbered]:
    """The pairs of a file with their lines."""
    start = text.lstrip()
    if _ANNOTATOR.match(start):
        files = json_values(text, columns)
        pairs = [(line, isinstance(value, Mapping) and value.get("annotations")) for line, value in files]
        return [(line, pair) for line, several in pairs for pair in several or ["no annotations"]]
    if re.match(r"\[\s*[\[\"]", start) and not re.search(r"\(\s*\d|'entities'", start[:2000]):
        return json_values(text, columns)
    return list(_literals(text, columns))


def _literals(text: str, columns: Columns) -> Iterator[Numbered]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", 0) or 0
        raise columns.error(f"this looks like spaCy's training data and cannot be parsed ({error}).", line) from None
    assigned = [node.value for node in tree.body if isinstance(node, (ast.Assign, ast.AnnAssign, ast.Expr))]
    lists = [value for value in assigned if isinstance(value, (ast.List, ast.Tuple)) and value.elts]
    if not lists:
        raise columns.error("there is no list of (text, {'entities': ...}) in this file.")
    if len(lists) > 1:
        lines = " and ".join(str(value.lineno) for value in lists)
        raise columns.error(f"this file has several lists, on lines {lines}; write each to a file of its own.")
    for item in lists[0].elts:
        try:
            value = ast.literal_eval(item)
        except (ValueError, TypeError):
            message = "this is Python code and not plain data; write its value as JSON."
            columns.leave_out(columns.error(message, item.lineno))
            continue
        yield item.lineno, value


def _pair(line: int, value: Any, columns: Columns) -> tuple[int, dict[str, Any]]:
    if isinstance(value, (list, tuple)) and len(value) == 2:
        text, annotation = value
        entities = annotation.get("entities") if isinstance(annotation, Mapping) else None
        if isinstance(text, str) and isinstance(entities, (list, tuple)):
            if columns.request.labelled:
                count_left_out({"labels of whole texts": annotation.get("cats")}, columns)
            spans = [dict(zip(_SPAN, e, strict=False)) if _is_triple(e) else e for e in entities]
            return line, {"text": text, "spans": flat_spans(spans, columns) if columns.request.labelled else spans}
    raise columns.error('a row of spaCy is a text and {"entities": [[start, end, label], ...]}.', line)


def _is_triple(entity: Any) -> bool:
    return isinstance(entity, (list, tuple)) and len(entity) == 3 and type(entity[0]) is type(entity[1]) is int

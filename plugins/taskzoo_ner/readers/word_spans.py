"""JSON whose entities count words: GLiNER, DyGIE, W2NER, and objects of a text and its entities' words (UIE)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from taskzoo.data.columns import Columns
from taskzoo.data.readers import FileReader
from taskzoo.data.readers.files import to_text
from taskzoo.data.readers.json_values import begins_as_json, json_values
from taskzoo.types import Row

from ..spans import Span, spans_to_tags

_GLINER = re.compile(rb'"tokenized_text"\s*:\s*\[')
_DYGIE = re.compile(rb'"sentences"\s*:\s*\[\s*\[\s*"')
_W2NER = re.compile(rb'"ner"\s*:\s*\[\s*\{\s*"(index|type)"\s*:')
_UIE = re.compile(rb'"entity"\s*:\s*\[\s*\{[^{}]*"offset"\s*:\s*\[')


class WordSpans(FileReader):
    """One row per sentence, with its words and tags."""

    name = "word-spans"
    roles = ("tokens", "tags")

    def matches(self, head: bytes) -> bool:
        dygie = _DYGIE.search(head) and b'"ner"' in head
        return begins_as_json(head) and bool(dygie or any(form.search(head) for form in (_GLINER, _W2NER, _UIE)))

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        rows: list[tuple[int, dict[str, Any]]] = []
        for line, value in json_values(to_text(data, columns.source), columns):
            with columns.leaving_out():
                try:
                    found = list(_sentences(value))
                    tags = [spans_to_tags(spans, len(words)) for words, spans in found]
                except ValueError as problem:
                    raise columns.error(f"{str(problem).rstrip('.')}; entities must be flat.", line) from None
                except (KeyError, TypeError, IndexError):
                    raise columns.error(
                        "this object lacks words, or entities of the form of the others.", line
                    ) from None
                rows += [(line, {"tokens": w, "tags": t}) for (w, _), t in zip(found, tags, strict=True) if w]
        return columns.rows(rows)


def _sentences(value: Mapping[str, Any]) -> Iterator[tuple[list[str], list[Span]]]:
    """Words and entities of each sentence."""
    if "tokenized_text" in value:
        yield list(value["tokenized_text"]), [_inclusive(*entity) for entity in value.get("ner") or []]
    elif "sentences" in value:
        first = 0  # entities count the words of the whole document
        for words, entities in zip(value["sentences"], value.get("ner") or [[]] * len(value["sentences"]), strict=True):
            yield list(words), [_inclusive(start - first, end - first, label) for start, end, label in entities]
            first += len(words)
    elif "ner" in value:
        words = value["sentence"]
        spans = [_of_indices(entity["index"], entity["type"]) for entity in value["ner"]]
        yield words.split() if isinstance(words, str) else list(words), spans
    else:
        yield _with_words(value)


def _with_words(value: Mapping[str, Any]) -> tuple[list[str], list[Span]]:
    """The words - given, or the text's, or its characters - that entities count: those where they find their text.

    Raises:
        ValueError: there are none.
    """
    text, entities = value.get("text", ""), value.get("entity") or []
    spans = [_of_indices(entity["offset"], entity["type"]) for entity in entities]
    for words in (value.get("tokens"), text.split(), list(text)):
        if words and all(
            "".join("".join(words[span.start : span.end]).split()) == "".join(entity["text"].split())
            for span, entity in zip(spans, entities, strict=True)
        ):
            return list(words), spans
    raise ValueError("The offsets of the entities count neither the words nor the characters of the text")


def _inclusive(start: int, end: int, label: str, *_: Any) -> Span:
    return Span(start, end + 1, label)


def _of_indices(indices: Sequence[int], label: str) -> Span:
    """An entity of neighbouring words.

    Raises:
        ValueError: it has gaps.
    """
    if list(indices) != list(range(indices[0], indices[0] + len(indices))):
        raise ValueError(f"The entity of the words {indices} ({label}) has gaps")
    return Span(indices[0], indices[-1] + 1, label)

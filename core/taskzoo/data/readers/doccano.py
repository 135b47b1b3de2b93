"""doccano's JSON lines: spans, and texts with texts. Labels of whole texts are plain JSON lines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from taskzoo.types import Row

from ..columns import Columns
from .base import FileReader
from .files import to_text
from .json_values import begins_as_json, json_values
from .span_lists import count_left_out, flat_spans

_SPANS = re.compile(rb'"Comments"\s*:|"entities"\s*:\s*\[\s*\{[^{}]*"start_offset"\s*:')
_TEXTS = re.compile(rb'"(label|labels)"\s*:\s*\[\s*("|\])')
_PAIR = re.compile(rb'"(source|target|summary|translation)"\s*:')
_NAMES = ("spans", "entities", "label", "labels")


def utf16_offsets(text: str) -> list[int]:
    """For each character, and for the end, how many UTF-16 units stand before it."""
    return list(accumulate((1 + (ord(char) > 0xFFFF) for char in text), initial=0))


class Doccano(FileReader):
    """One row per example, with its spans; relations are counted and left out.

    Offsets count UTF-16 units, as in a browser. Where one of them would lie inside of a character or behind the text,
    all of them count characters, as in doccano before 1.0.
    """

    name = "doccano"
    roles = ("text", "spans")

    def matches(self, head: bytes) -> bool:
        return begins_as_json(head) and b'"text"' in head and _SPANS.search(head) is not None

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        rows: list[tuple[int, dict[str, Any]]] = []
        for line, value in json_values(to_text(data, columns.source), columns):
            if not isinstance(value, Mapping):
                columns.leave_out(columns.error("an example of doccano is a JSON object.", line))
                continue
            rows.append((line, _example(value, columns)))
        spans = [row["spans"] for _, row in rows if "spans" in row]
        texts = [str(row.get("text", "")) for _, row in rows if "spans" in row]
        if converted := _characters(texts, spans):
            columns.request.notes["spans counted in UTF-16 units, converted"] += sum(map(len, spans))
            for (_, row), found in zip([pair for pair in rows if "spans" in pair[1]], converted, strict=True):
                row["spans"] = found
        for _, row in rows:
            if "spans" in row:
                row["spans"] = flat_spans(row["spans"], columns)
        return columns.rows(rows)


class DoccanoTexts(FileReader):
    """One row per example of the project type "sequence to sequence": a text and those written for it."""

    name = "doccano-texts"
    roles = ("source", "target")

    def matches(self, head: bytes) -> bool:
        is_pair = _PAIR.search(head.split(b"\n", 1)[0]) is not None
        return begins_as_json(head) and b'"text"' in head and _TEXTS.search(head) is not None and not is_pair

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        rows: list[tuple[int, Mapping[str, Any]]] = []
        for line, value in json_values(to_text(data, columns.source), columns):
            if not isinstance(value, Mapping):
                columns.leave_out(columns.error("an example of doccano is a JSON object.", line))
                continue
            written = value.get("label", value.get("labels"))
            if columns.request.labelled and not written:
                columns.request.notes["examples without a text written for them, left out"] += 1
                continue
            target = written[0] if isinstance(written, list) and len(written) == 1 else written
            rows.append((line, {**value, "source": value.get("text"), "target": target}))
        return columns.rows(rows)


def _example(value: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """The columns of an example, its spans in the form ``{start, end, label}``."""
    name = columns.mapped.get("spans") or next((name for name in _NAMES if isinstance(value.get(name), list)), "")
    row = {key: inner for key, inner in value.items() if key != name}
    if not columns.request.labelled:
        return row
    count_left_out({"relations": value.get("relations"), "labels of whole texts": value.get("cats")}, columns)
    if isinstance(found := value.get(name), list):
        row[name] = found
        row["spans"] = [_span(span) for span in found]
    return row


def _span(span: Any) -> Any:
    if isinstance(span, Mapping) and "start_offset" in span and "end_offset" in span:
        return {"start": span["start_offset"], "end": span["end_offset"], "label": span.get("label")}
    if isinstance(span, list) and len(span) == 3:
        return dict(zip(("start", "end", "label"), span, strict=True))
    return span


def _characters(texts: Sequence[str], spans: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """The spans with offsets in characters, read as UTF-16 units; nothing where that changes or allows nothing."""
    if all(text.isascii() or max(text) <= "\uffff" for text in texts):
        return []
    converted: list[list[Any]] = []
    for text, several in zip(texts, spans, strict=True):
        at = {units: place for place, units in enumerate(utf16_offsets(text))}
        found = []
        for span in several:
            ends = (span.get("start"), span.get("end")) if isinstance(span, Mapping) else ()
            if ends and not all(type(end) is int for end in ends):  # the task refuses it
                found.append(span)
                continue
            if not ends or "text" in span or not set(ends) <= at.keys():
                return []
            found.append({**span, "start": at[span["start"]], "end": at[span["end"]]})
        converted.append(found)
    return converted if converted != [list(several) for several in spans] else []

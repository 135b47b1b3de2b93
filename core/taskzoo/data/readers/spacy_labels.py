"""Labels of whole texts as spaCy is trained on: ``[text, {"cats": {label: 0 or 1}}]``, one or an array of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from taskzoo.types import Row

from ..columns import Columns
from .base import FileReader
from .files import to_text
from .json_values import json_values
from .span_lists import count_left_out

_PAIR = re.compile(rb'(\xef\xbb\xbf)?\s*\[\s*(\[\s*)?"')
_CATS = re.compile(rb'"cats"\s*:\s*\{')


class SpacyLabels(FileReader):
    """One row per text with the labels whose value is at least one half."""

    name = "spacy-labels"
    roles = ("text", "label")

    def matches(self, head: bytes) -> bool:
        return _PAIR.match(head) is not None and _CATS.search(head) is not None

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        rows: list[tuple[int, dict[str, Any]]] = []
        for line, value in json_values(to_text(data, columns.source), columns):
            with columns.leaving_out():
                rows.append((line, _row(line, value, columns)))
        return columns.rows(rows)


def _row(line: int, value: Any, columns: Columns) -> dict[str, Any]:
    """Text and labels of a pair."""
    text, annotation = value if isinstance(value, list) and len(value) == 2 else (None, None)
    if not isinstance(text, str) or not isinstance(annotation, Mapping):
        raise columns.error('a row of spaCy is a text and {"cats": {label: 0 or 1}}.', line)
    if not columns.request.labelled:
        return {"text": text}
    cats = annotation.get("cats")
    if not isinstance(cats, Mapping) or not all(isinstance(said, (int, float)) for said in cats.values()):
        raise columns.error('this row has no "cats" with a number for each label.', line)
    count_left_out({"spans": annotation.get("entities")}, columns)
    return {"text": text, "label": [str(name) for name, said in cats.items() if said >= 0.5]}

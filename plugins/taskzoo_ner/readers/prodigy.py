"""Prodigy's JSON lines: texts with spans, and the answer of the person who saw them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from taskzoo.data.columns import Columns
from taskzoo.data.readers import FileReader
from taskzoo.data.readers.files import to_text
from taskzoo.data.readers.json_values import begins_as_json, json_values
from taskzoo.data.readers.labelling_tools import first_answers, is_accepted
from taskzoo.data.readers.span_lists import count_left_out, flat_spans
from taskzoo.types import Row

_SIGNS = re.compile(rb'"(_input_hash|_task_hash)"\s*:|"answer"\s*:\s*"(accept|reject|ignore)"')


class Prodigy(FileReader):
    """One row per example that was accepted. Its tokens are not read: spans are in characters."""

    name = "prodigy"
    roles = ("text", "spans")

    def matches(self, head: bytes) -> bool:
        return begins_as_json(head) and _SIGNS.search(head) is not None

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        kept = []
        for line, value in json_values(to_text(data, columns.source), columns):
            if not isinstance(value, Mapping):
                columns.leave_out(columns.error("an example of Prodigy is a JSON object.", line))
                continue
            if not is_accepted(value, columns):
                continue
            row: dict[str, Any] = {"spans": [], **value}
            row.pop("tokens", None)
            if columns.request.labelled:
                count_left_out({"relations": row.get("relations"), "options chosen": row.get("accept")}, columns)
                row["spans"] = flat_spans(row["spans"] or [], columns)
            kept.append((line, row))
        return columns.rows(first_answers(kept, columns))

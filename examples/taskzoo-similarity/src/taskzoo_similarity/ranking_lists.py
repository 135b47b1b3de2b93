"""The format ``ranking-lists``: a query in each line, with passages that are relevant to it and some that are not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from taskzoo import DataError, Row
from taskzoo.data.columns import Columns
from taskzoo.data.readers import FileReader

QUERY, LISTS = ("query", "question"), {"positive": 1, "pos": 1, "negative": 0, "neg": 0}
"""Names of the fields; those of lists say the relevance of what they hold."""


class RankingLists(FileReader):
    """``{"query": "...", "positive": ["..."], "negative": ["...", "..."]}``, one object per line.

    It makes a row of each passage. ``zoo predict`` reads such files too, and orders nothing by the two lists.
    """

    name = "ranking-lists"
    roles = ("query", "passage", "relevance")

    def matches(self, head: bytes) -> bool:
        """Whether the first line is such an object."""
        try:
            value = json.loads(head.split(b"\n", 1)[0])
        except ValueError:
            return False
        return isinstance(value, dict) and any(isinstance(value.get(name), list) for name in LISTS)

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        found: list[tuple[int, dict[str, Any]]] = []
        for line, text in enumerate(data.decode("utf-8-sig").split("\n"), 1):
            if text.strip():
                with columns.leaving_out():
                    found += [(line, row) for row in _rows(text, columns.source, line)]
        return columns.rows(found)


def _rows(text: str, source: str, line: int) -> Iterator[dict[str, Any]]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise DataError(f"this is not JSON ({error}).", file=source, line=line) from None
    query = next((value[name] for name in QUERY if name in value), None) if isinstance(value, dict) else None
    if not isinstance(query, str):
        raise DataError(f"this is not an object with a text under {' or '.join(QUERY)}.", file=source, line=line)
    given = {name: value[name] for name in LISTS if value.get(name) is not None}
    if not given:
        raise DataError(f"the query has no passages, under {', '.join(LISTS)}.", file=source, line=line)
    for name, passages in given.items():
        if not isinstance(passages, str | list):
            raise DataError(f"the {name} is {passages!r:.60} and must be a list of texts.", file=source, line=line)
        for passage in [passages] if isinstance(passages, str) else passages:
            yield {"query": query, "passage": passage, "relevance": LISTS[name]}

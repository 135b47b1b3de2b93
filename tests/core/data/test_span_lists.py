"""Spans that overlap: left out for a task that finds flat ones, kept for one whose column says that they may."""

from __future__ import annotations

import pytest

from taskzoo import Column, TaskSpec
from taskzoo.data.columns import Columns
from taskzoo.data.readers import ReadRequest
from taskzoo.data.readers.span_lists import OVERLAPPING, flat_spans

OUTER, INNER = {"start": 0, "end": 9, "label": "A"}, {"start": 4, "end": 9, "label": "B"}


@pytest.mark.parametrize(("overlapping", "kept"), [(False, [OUTER]), (True, [OUTER, INNER])])
def test_the_column_says_whether_spans_may_overlap(overlapping: bool, kept: list[dict[str, object]]) -> None:
    columns = {
        "text": Column("a text", required=True),
        "spans": Column("its spans", target=True, overlapping=overlapping),
    }
    request = ReadRequest(TaskSpec(id="a", contract=2, columns=columns))
    assert flat_spans([OUTER, INNER], Columns(request, "f")) == kept
    assert request.notes[OVERLAPPING] == 2 - len(kept)

"""Column names under which summarization finds texts and summaries."""

from __future__ import annotations

import json

import pytest

from taskzoo import registry
from taskzoo.data.readers import read_rows
from taskzoo.data.readers.base import ReadRequest


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("source", "target"),
        ("text", "summary"),
        ("article", "abstract"),
        ("Article", "highlights"),
        ("document", "summary"),
        ("dialogue", "summary"),
        ("content", "summary"),
        ("正文", "摘要"),
        ("全文", "摘要"),
        ("原文", "摘要"),
    ],
)
def test_common_pairs_of_names(tmp_path, source, target):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"id": 7, source: "It rained all day.", target: "Rain."}), encoding="utf-8")
    (row,) = read_rows(path, ReadRequest(registry.task("summarization")))
    assert (row["source"], row["target"]) == ("It rained all day.", "Rain.")

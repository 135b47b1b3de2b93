"""Predictions are written as JSON lines, or as CoNLL by the name of the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from taskzoo import RequestError, registry
from taskzoo.data.readers import ReadRequest, read_rows
from taskzoo.runs.prediction_files import check_prediction_file, write_predictions

PREDICTIONS: list[dict[str, Any]] = [
    {"text": "Ada left", "tokens": ["Ada", "left"], "tags": ["B-PER", "O"], "entities": []},
    {"text": "", "tokens": [], "tags": [], "entities": []},
    {"text": "# 明  上", "tokens": ["#", "明", " ", "上"], "tags": ["O", "O", "O", "B-LOC"], "entities": []},
]


def test_conll_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    write_predictions(path, PREDICTIONS)
    assert path.read_text(encoding="utf-8") == "Ada\tB-PER\nleft\tO\n\n\n#\tO\n明\tO\n \tO\n上\tB-LOC\n\n"
    rows = read_rows(path, ReadRequest(registry.task("ner")))
    assert [(row["tokens"], row["tags"]) for row in rows] == [
        (p["tokens"], p["tags"]) for p in PREDICTIONS if p["tags"]
    ]


def test_any_other_name_is_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_predictions(path, PREDICTIONS)
    assert [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] == PREDICTIONS


def test_what_conll_cannot_hold_is_refused_and_nothing_written(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    with pytest.raises(RequestError, match="row 1 cannot be written as CoNLL"):
        write_predictions(path, [{"tokens": ["a\tb"], "tags": ["O"]}])
    assert not path.exists()
    check_prediction_file(path, registry.task("ner"))
    with pytest.raises(RequestError, match=r"classification predicts no tags; name it \.jsonl"):
        check_prediction_file(path, registry.task("classification"))

"""What a labelling tool does with the tasks it is given: a person accepts them all, and they are exported."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from taskzoo import Row, registry
from taskzoo.data.readers import ReadRequest, read_rows


def export(path: Path, tool: str) -> Path:
    """The export of accepted tasks, in place of what was imported."""
    if tool == "label-studio":
        tasks = json.loads(path.read_text(encoding="utf-8"))
        for number, task in enumerate(tasks, 1):
            found = task.pop("predictions", [{"result": []}])[0]["result"]
            task |= {"id": number, "annotations": [{"id": number, "result": found, "was_cancelled": False}]}
        path.write_text(json.dumps(tasks), encoding="utf-8")
    elif tool in ("prodigy", "doccano"):
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
        answers = {"prodigy": {"_input_hash": 1, "answer": "accept"}, "doccano": {"id": 1, "Comments": []}}
        path.write_text("".join(json.dumps({**line, **answers[tool]}) + "\n" for line in lines), encoding="utf-8")
    return path


def read_back(path: Path, task: str, **request: Any) -> tuple[list[Row], Counter[str]]:
    """The rows of an export and what was noted."""
    notes: Counter[str] = Counter()
    return read_rows(path, ReadRequest(registry.task(task), notes=notes, **request)), +notes


def row(**fields: Any) -> Row:
    return Row(fields, "pool.jsonl", 3)


def spans_of(rows: list[Row]) -> list[list[Any]]:
    """Text and spans of each row, checked as the task checks them."""
    from taskzoo_ner.rows import prepare_rows

    examples = prepare_rows(rows, "auto", labelled=True)
    return [[one["text"], [_triple(entity) for entity in one["entities"]]] for one in examples]


def _triple(entity: Mapping[str, Any]) -> tuple[int, int, str]:
    return entity["start"], entity["end"], entity["label"]

"""Finished runs that were never trained: planted predictions, with the scores that the task gives them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from taskzoo import registry
from taskzoo.engine.scoring import Predictions, score
from taskzoo.runs.identity import describe_task
from taskzoo.runs.verdict import judging_score, verdict
from taskzoo.types import Prediction, Row, public

HISTORY = [
    {"step": 0, "validation_f1_macro": 0.25, "validation_loss": 1.5},
    {"step": 10, "epoch": 0.5, "loss": 1.25, "learning_rate": 2e-5},
    {"step": 20, "epoch": 1.0, "loss": 0.75, "learning_rate": 1e-5},
    {"step": 20, "validation_f1_macro": 0.75, "validation_loss": 0.5, "validation_ece": float("nan")},
]


def plant(
    folder: Path,
    name: str,
    rows: Sequence[Mapping[str, Any]],
    predictions: Sequence[Prediction],
    *,
    options: Mapping[str, Any] | None = None,
) -> Path:
    """A finished run of a task whose test rows are ``rows``, of which the same were trained on."""
    entry = registry.task_entry(name)
    task = entry.load()(entry.spec.resolve_options(options or {}))
    examples = task.prepare([Row(dict(row), "test.jsonl", i) for i, row in enumerate(rows, 1)], "train")
    task.fit(examples)
    found = score(task, examples, Predictions(list(predictions), None), intervals=True)
    metrics: dict[str, Any] = {"test": found.to_dict()}
    metrics["verdict"] = verdict(metrics, judging_score(task))
    references = [public(reference) for reference in task.references(examples)]
    write_run(folder, metrics, [{**public(p), "reference": r} for p, r in zip(predictions, references, strict=True)])
    data = folder / "test.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    write(folder / "config.yaml", {"task": entry.full_name, "model": "tiny", "data": {"test": str(data)}})
    saved = {"format": 2, "task": describe_task(entry, task), "precision": "fp32"}
    write(folder / "model" / "task.json", {**saved, "options": task.options, "state": task.state()})
    return folder


def write_run(folder: Path, metrics: Mapping[str, Any], predictions: Sequence[Any]) -> Path:
    """The files of a run whose task is not known."""
    (folder / "model").mkdir(parents=True)
    manifest = {
        "status": "finished",
        "task": {"name": "zoo/planted", "distribution": "taskzoo-planted", "version": "1.0"},
        "model": {"name": "tiny", "family": "bert", "parameters": 12345, "trainable": 123},
        "rows": {"train": len(predictions), "test": len(predictions)},
        "data": {"test": {"source": "test.jsonl", "rows": len(predictions)}},
        "counts": {"test": {"truncated_rows": 3}},
        "overlap": {"train_test": {"count": 7, "examples": [["train a:1", "test b:2"]]}},
        "environment": {"packages": {"taskzoo": "0.2.0"}},
        "steps": 20,
        "best_step": 20,
        "seconds": {"train": 3.0},
        "finished": "2026-01-02T03:04:05+00:00",
    }
    write(folder / "manifest.json", manifest)
    write(folder / "metrics.json", metrics)
    write(folder / "config.yaml", {"task": "zoo/planted", "model": "tiny"})
    lines(folder / "history.jsonl", HISTORY)
    lines(folder / "predictions.jsonl", predictions)
    return folder


def write(file: Path, value: Any) -> None:
    file.write_text(json.dumps(value), encoding="utf-8")


def lines(file: Path, values: Sequence[Any]) -> None:
    file.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")


class Page(HTMLParser):
    """What a page consists of; refuses tags that are not closed in their order."""

    VOID = ("meta", "link", "br")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html, self.open, self.tags = html, list[str](), list[tuple[str, dict[str, str]]]()
        self.tables: dict[str, list[list[str]]] = {}
        self._heading, self._cell, self._in = "", "", ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in self.VOID:
            return
        self.open.append(tag)
        if tag in ("h2", "h3"):
            self._heading, self._in = "", tag
        elif tag == "table":
            self._rows: list[list[str]] = self.tables.setdefault(self._heading, [])
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._cell, self._in = "", tag
        elif tag == "small" and self._in == "td":
            self._cell += " "

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag in ("td", "th"):
            self._rows[-1].append(" ".join(self._cell.split()))
        if tag == self._in:
            self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in in ("h2", "h3"):
            self._heading += data
        elif self._in in ("td", "th"):
            self._cell += data

    @property
    def ids(self) -> list[str]:
        return [attrs["id"] for _, attrs in self.tags if "id" in attrs]

    def attributes(self, name: str) -> list[str]:
        return [attrs[name] for _, attrs in self.tags if name in attrs]

    def rows(self, heading: str) -> dict[str, list[str]]:
        """First cell -> the others, of the table under a heading."""
        return {row[0]: row[1:] for row in self.tables[heading]}

"""Finished runs without training: task, predictions with references, scores and manifest, as a run writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from taskzoo import registry

LABELS = ("bad", "good", "odd")


def head(labels: Sequence[str]) -> dict[str, Any]:
    """The state of ``classification`` with one label each."""
    inner = {"labels": list(labels), "class_weights": None, "focal_gamma": 0.0, "hierarchy": "", "temperature": 1.0}
    state = {**inner, "primary_metric": "f1_macro", "label_sets": None}
    of_head = {"class": "SingleLabelHead", "state": state}
    return {"head": of_head, "pairs": False, "kind": "single", "separator": "", "places": [], "marks": ""}


NER = {"labels": ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"], "confidence": None}
LANGUAGES = {"source": "en", "target": "de"}
TRANSLATION = {"languages": LANGUAGES, "output_language": "de", "longest_target": 9}
SCALE = {"mean": 2.0, "deviation": 1.0, "lowest": 0.0, "highest": 5.0}
NUMBERS = {
    "head": {"class": "RegressionHead", "state": {"scale": SCALE, "loss": "mse", "delta": 1.0}},
    "pairs": False,
    "kind": "intensity",
}


def write_run(
    path: Path, task: str, rows: Sequence[Mapping[str, Any]], state: Mapping[str, Any], **options: Any
) -> Path:
    """A finished run of ``task`` whose test rows are ``rows``, each with its ``reference``."""
    entry = registry.task_entry(task)
    values = entry.spec.resolve_options(options)
    restored = entry.load()(values)
    restored.restore(state)
    (path / "model").mkdir(parents=True)
    saved = {"name": f"taskzoo/{task}", "plugin": task, "distribution": "taskzoo", "version": "0.2.0"}
    described = {**saved, "contract": 2, "state_version": restored.state_version}
    task_file = {"format": 2, "task": described, "precision": "fp32", "options": values, "state": state}
    write(path / "model" / "task.json", task_file)
    predictions = [{name: value for name, value in row.items() if name != "reference"} for row in rows]
    scores: dict[str, Any] = {}
    for metric in restored.metrics():
        found = metric.compute(predictions, [row["reference"] for row in rows])
        scores |= {name: value if np.isfinite(value) else None for name, value in found.items()}
    scores = {name: value for name, value in scores.items() if name not in ("log_loss", "ece", "roc_auc")}
    write(path / "metrics.json", {"test": {**scores, "loss": 0.5, "rows": len(rows)}, "verdict": []})
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (path / "predictions.jsonl").write_text("".join(lines), encoding="utf-8")
    manifest = {
        "task": described,
        "model": {"name": "bert"},
        "seed": 42,
        "data": {split: {"source": f"{split}.csv", "rows": len(rows), "sha256": split} for split in ("train", "test")},
        "splits": {},
        "started": "2026-11-28T10:00:00+00:00",
        "status": "finished",
    }
    write(path / "manifest.json", manifest)
    (path / "config.yaml").write_text("task: x\ntraining:\n  method: full\n  seed: 42\n", encoding="utf-8")
    return path


def write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def label_rows(gold: Sequence[str], answers: Sequence[str], prefix: str = "text") -> list[dict[str, Any]]:
    """Rows of a classifier."""
    return [
        {"text": f"{prefix} {i}", "label": answer, "score": 0.9, "reference": {"label": label}}
        for i, (label, answer) in enumerate(zip(gold, answers, strict=True))
    ]


def answers(gold: Sequence[str], share_right: float, seed: int) -> list[str]:
    """Answers of which about ``share_right`` are right."""
    generator = np.random.default_rng(seed)
    others = generator.choice(LABELS, size=len(gold))
    right = generator.random(len(gold)) < share_right
    return [one if good else str(other) for one, other, good in zip(gold, others, right, strict=True)]


def gold_labels(count: int, seed: int = 0) -> list[str]:
    return [str(label) for label in np.random.default_rng(seed).choice(LABELS, size=count)]


def label_run(path: Path, gold: Sequence[str], given: Sequence[str], labels: Sequence[str] = LABELS) -> Path:
    """A run of ``classification``."""
    return write_run(path, "classification", label_rows(gold, given), head(labels))

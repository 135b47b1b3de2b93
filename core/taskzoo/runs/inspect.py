"""A report on data, made by reading them exactly as a run does."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from taskzoo.engine.progress import Silent
from taskzoo.engine.random_state import seeded
from taskzoo.task import Task
from taskzoo.types import Encoded, Example

from .label_report import count_labels, label_notes, shared_targets, sum_up_numbers
from .loading import load_processor, model_files
from .model_fit import fit_notes
from .plan import Plan
from .wording import count_notes, left_out_notes, overlap_notes, split_note

SHOWN = 10
"""Training rows that are shown as they were read."""


def examine(plan: Plan) -> dict[str, Any]:
    """Rows, features and lengths in tokens of each split, and in words what a person should know.

    Returns:
        ``{"splits": {name: {rows, features, median_length, p95_length, longest, unknown_tokens}}, "counts": {name:
        {...}}, "labels": {label: {name: count}}, "numbers": {name: {least, mean, greatest}}, "shared_targets": {name:
        rows}, "examples": [...], "overlap": {...}, "notes": [...]}``, JSON-serialisable. Lengths are per feature;
        ``unknown_tokens`` is a share; ``examples`` are the first training rows as they were read.
    """
    task, examples = plan.task, {name: rows for name, rows in plan.splits.examples.items() if rows}
    with tempfile.TemporaryDirectory(prefix="taskzoo-") as folder, seeded(plan.config.training.seed):
        processor, _ = load_processor(task, model_files(plan, Silent(), Path(folder)))
        encoded = {name: task.encode(rows, processor) for name, rows in examples.items()}
    misfits = fit_notes(plan, processor)
    unknown = getattr(processor, "unk_token_id", None)
    splits = {name: _split_facts(task, examples[name], found, unknown) for name, found in encoded.items()}
    labels, shared = count_labels(task, examples), shared_targets(task, examples)
    notes = []
    if plan.splits.made:
        notes.append(f"Missing splits were made: {split_note(plan.splits.made)}.")
    if said := task.describe():
        notes.append(f"{'Texts' if task.generates else 'Labels'}: {said}.")
    for name, found in encoded.items():
        notes += [f"{name}: {note}" for note in count_notes(found.counts)]
    notes += [f"{name}: {count} rows have a target that is also in train" for name, count in shared.items() if count]
    notes += label_notes(labels, examples) + misfits
    notes += left_out_notes(plan.splits.sources) + overlap_notes(plan.splits.overlap)
    return {
        "splits": splits,
        "counts": {name: found.counts for name, found in encoded.items()},
        "labels": labels,
        "numbers": sum_up_numbers(task, examples),
        "shared_targets": shared,
        "examples": [_as_read(example) for example in examples.get("train", [])[:SHOWN]],
        "overlap": plan.splits.overlap,
        "notes": notes,
    }


def _split_facts(task: Task, examples: Sequence[Example], encoded: Encoded, unknown: int | None) -> dict[str, Any]:
    lengths = np.array([feature.length for feature in encoded.features])
    tokens = [token for feature in encoded.features for token in task.token_ids(feature)] if unknown is not None else []
    return {
        "rows": len(examples),
        "features": len(lengths),
        "median_length": int(np.median(lengths)),
        "p95_length": int(np.percentile(lengths, 95)),
        "longest": int(lengths.max()),
        "unknown_tokens": round(tokens.count(unknown) / max(1, len(tokens)), 4) if unknown is not None else None,
    }


def _as_read(example: Example) -> dict[str, Any]:
    """An example with its place, without what it does not have and what begins with ``_``."""
    named = {name: value for name, value in example.fields.items() if name != "split" and not name.startswith("_")}
    fields = {name: value for name, value in named.items() if value is not None}
    return {"place": f"{example.source}:{example.line}", **fields}

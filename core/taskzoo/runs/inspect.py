"""A report on data, made by reading them exactly as a run does."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from taskzoo.engine.progress import Silent
from taskzoo.engine.random_state import seeded

from .loading import load_processor, model_files
from .plan import Plan
from .wording import count_notes, left_out_notes, overlap_notes, split_note


def examine(plan: Plan) -> dict[str, Any]:
    """Rows, features and lengths in tokens of each split, and in words what a person should know.

    Returns:
        ``{"splits": {name: {rows, features, median_length, p95_length, longest}}, "counts": {name: {...}},
        "overlap": {...}, "notes": [...]}``, JSON-serialisable. Lengths are per feature.
    """
    task, examples = plan.task, plan.splits.examples
    with tempfile.TemporaryDirectory(prefix="taskzoo-") as folder, seeded(plan.config.training.seed):
        processor, _ = load_processor(task, model_files(plan, Silent(), Path(folder)))
        encoded = {name: task.encode(rows, processor) for name, rows in examples.items() if rows}
    splits: dict[str, dict[str, Any]] = {}
    notes = []
    if plan.splits.made:
        notes.append(f"Missing splits were made: {split_note(plan.splits.made)}.")
    if said := task.describe():
        notes.append(f"{'Texts' if task.generates else 'Labels'}: {said}.")
    for name, found in encoded.items():
        lengths = np.array([feature.length for feature in found.features])
        splits[name] = {
            "rows": len(examples[name]),
            "features": len(lengths),
            "median_length": int(np.median(lengths)),
            "p95_length": int(np.percentile(lengths, 95)),
            "longest": int(lengths.max()),
        }
        notes += [f"{name}: {note}" for note in count_notes(found.counts)]
    notes += left_out_notes(plan.splits.sources) + overlap_notes(plan.splits.overlap)
    counts = {name: found.counts for name, found in encoded.items()}
    return {"splits": splits, "counts": counts, "overlap": plan.splits.overlap, "notes": notes}

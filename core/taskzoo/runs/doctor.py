"""A report on data, made by reading them exactly as a run does."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from taskzoo.models.loading import explain_load_errors, load_config, quiet_transformers
from taskzoo.models.scratch import learn_tokenizer, make_scratch
from taskzoo.models.tokenizers import load_tokenizer

from .data import left_out_notes, overlap_notes, split_note
from .from_scratch import scratch_arguments
from .plan import Plan

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def examine(plan: Plan) -> dict[str, Any]:
    """Rows, features and sub-token lengths of each split, and in words what a person should know.

    Returns:
        ``{"splits": {name: {rows, features, median_length, p95_length, longest}}, "counts": {name: {...}},
        "overlap": {...}, "notes": [...]}``, JSON-serialisable. Lengths are in sub-tokens per feature.

    Raises:
        RequestError: the tokenizer cannot be loaded.
    """
    quiet_transformers()
    tokenizer = _tokenizer(plan)
    splits: dict[str, dict[str, Any]] = {}
    counts: dict[str, dict[str, int]] = {}
    notes = []
    if plan.splits.made:
        notes.append(f"Missing splits were made: {split_note(plan.splits.made)}.")
    if hasattr(plan.task, "describe"):
        notes.append(f"Labels: {plan.task.describe()}.")
    for name, rows in plan.splits.rows.items():
        if not rows:
            continue
        encoded = plan.task.encode(rows, tokenizer)
        lengths = np.array([len(feature["input_ids"]) for feature in encoded.features])
        splits[name] = {
            "rows": len(rows),
            "features": len(lengths),
            "median_length": int(np.median(lengths)),
            "p95_length": int(np.percentile(lengths, 95)),
            "longest": int(lengths.max()),
        }
        counts[name] = encoded.counts
        notes += [f"{name}: {value} {what.replace('_', ' ')}" for what, value in encoded.counts.items() if value]
    notes += left_out_notes(plan.splits.sources) + overlap_notes(plan.splits.overlap)
    return {"splits": splits, "counts": counts, "overlap": plan.splits.overlap, "notes": notes}


def _tokenizer(plan: Plan) -> PreTrainedTokenizerBase:
    """The tokenizer of the checkpoint, to which the task is adapted."""
    adapt = getattr(plan.task, "adapt", None)
    if not plan.checkpoint.is_scratch:
        tokenizer = load_tokenizer(plan.checkpoint)
        if adapt is not None:
            with explain_load_errors(plan.checkpoint, "configuration"):
                config = load_config(plan.checkpoint)
            adapt(tokenizer, config)
        return tokenizer
    texts, settings = scratch_arguments(plan)
    with tempfile.TemporaryDirectory(prefix="taskzoo-scratch-") as folder:
        if adapt is None:
            return learn_tokenizer(plan.checkpoint, texts, Path(folder), **settings)
        made = make_scratch(plan.checkpoint, texts, Path(folder), seed=plan.config.training.seed, **settings)
        tokenizer = load_tokenizer(made)
        adapt(tokenizer, load_config(made))
    return tokenizer

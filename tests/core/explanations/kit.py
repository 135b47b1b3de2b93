"""Runs to explain: with untrained models, and with a word that gives the label away."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from taskzoo import registry
from taskzoo.runs.load import Run
from taskzoo.types import Row

PLANTED = "zorblax"
COMMON = ["the", "my", "old", "big", "is", "was", "and", "very", "so", "cat", "dog", "cow", "hen", "soup", "rice"]


def planted_rows(count: int, seed: int) -> list[dict[str, str]]:
    """Texts of common words; those of the class ``bad`` have :data:`PLANTED` somewhere. No two are alike."""
    generator = random.Random(seed)
    rows = []
    for i in range(count):
        words = [generator.choice(COMMON) for _ in range(generator.randint(4, 12))]
        label = "bad" if i % 2 else "good"
        if label == "bad":
            words.insert(generator.randint(0, len(words)), PLANTED)
        rows.append({"text": f"{' '.join(words)} {seed}{i}", "label": label})
    return rows


def untrained(name: str, rows: Sequence[Mapping[str, Any]], checkpoint: Path, **options: Any) -> Run:
    """A run of a task whose head is random and strong, so that every word counts, without any files."""
    import torch

    from taskzoo.engine.evaluation import Predictor
    from taskzoo.engine.last_layer import last_linear
    from taskzoo.engine.precision import make_accelerator
    from taskzoo.models.refs import resolve_model
    from taskzoo.runs.loading import load_model, load_processor

    entry = registry.task_entry(name)
    task = entry.load()(entry.spec.resolve_options(options))
    task.fit(task.prepare([Row(dict(row), "train", i) for i, row in enumerate(rows, 1)], "train"))
    accelerator, ref = make_accelerator("fp32"), resolve_model(str(checkpoint))
    with accelerator.active(), torch.random.fork_rng():
        torch.manual_seed(3)
        processor, _ = load_processor(task, ref)
        model: Any = load_model(task, ref, processor, say=lambda message: None)
        if not task.generates:
            with torch.no_grad():
                for parameter in last_linear(model).parameters():
                    parameter.mul_(50)
    model.config.pad_token_id = processor.pad_token_id
    model.eval()
    return Run(Path("untrained"), entry.spec, Predictor(task, model, processor, accelerator))

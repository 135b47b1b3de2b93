"""Training the tagger of the engine's tests on the device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tests.core.engine.kit import TaggingTask, collate, make_session

from taskzoo.callbacks import Callback
from taskzoo.engine.checkpoint import TrainingState
from taskzoo.engine.job import Job
from taskzoo.engine.precision import make_accelerator
from taskzoo.engine.progress import Progress
from taskzoo.engine.trainer import train
from taskzoo.runs.finetune import as_reporter
from taskzoo.types import Feature

PLAN = {"epochs": 3, "batch_size": 8, "micro_batch_size": 3, "schedule": "cosine", "warmup": 2, "log_every": 4}
"""Five steps an epoch of 38 features."""


@dataclass
class Lines(Callback):
    """What is logged, a dictionary for each step."""

    steps: list[dict[str, Any]] = field(default_factory=list)

    def step(self, values: Any) -> None:
        self.steps.append(dict(values))


def fit_on_device(
    model: torch.nn.Module,
    features: Sequence[Feature],
    folder: Path,
    precision: str = "fp32",
    *,
    task: TaggingTask | None = None,
    lines: Lines | None = None,
    say: Callable[[str], object] | None = None,
    stop: Callable[[], bool] = lambda: False,
    cpu: bool = False,
    **values: Any,
) -> Progress:
    """Train ``model`` on the device, or on the CPU; the state is kept in ``folder``."""
    task, accelerator = task or TaggingTask(), make_accelerator(precision, cpu=cpu)
    model.to(accelerator.device)
    folder.mkdir(exist_ok=True)
    callbacks = [] if lines is None else [lines]
    session = make_session(
        model, features, task=task, accelerator=accelerator, callbacks=callbacks, **{"precision": precision, **values}
    )
    session.reporter, session.stop = as_reporter(say), stop
    return train(session, Job(model, task, features, collate), TrainingState(folder / "checkpoints"))

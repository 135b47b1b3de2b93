"""The loaded parts of a run, which methods train and evaluation reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from taskzoo.callbacks import Callback
from taskzoo.config import Training
from taskzoo.task import Task
from taskzoo.types import Collate, Encoded, Example, Feature

from .progress import Reporter

if TYPE_CHECKING:
    import numpy as np
    from transformers import PreTrainedModel

    from .accelerator import RunAccelerator
    from .sharding import Sharded


@dataclass(slots=True)
class Session:
    """Everything of one run in one process.

    Attributes:
        task: fitted, and configured for the checkpoint.
        model: with the task's head. ``trained`` is the same, or wrapped with adapters.
        processor: tokenizer, or what the task loads instead.
        collate: features to a batch.
        examples: split -> prepared rows; ``encoded``: split -> their features, for the splits that have rows.
        teacher: for distillation, the teacher's logits ``[N, L]`` for the targets of each training feature.
        unlabelled: features of unlabelled rows; their ``target`` is ``None``.
        settings: of the engine.
        accelerator: of this process.
        reporter: where people read what is going on.
        callbacks: where trackers do; empty except in the main process.
        stop: whether somebody asked to stop after the current step.
        ends: when the run must be over, as :func:`time.perf_counter` counts; ``None``: no limit.
        anchored: the head is that of an earlier run, from which a probe departs no further than it must.
        sharded: what divides ``model`` over the processes, if it is.
    """

    task: Task
    model: PreTrainedModel
    processor: Any
    collate: Collate
    examples: Mapping[str, Sequence[Example]]
    encoded: Mapping[str, Encoded]
    settings: Training
    accelerator: RunAccelerator
    reporter: Reporter
    trained: Any = None
    teacher: Sequence[np.ndarray] | None = None
    unlabelled: list[Feature] = field(default_factory=list)
    callbacks: list[Callback] = field(default_factory=list)
    stop: Callable[[], bool] = lambda: False
    ends: float | None = None
    anchored: bool = False
    sharded: Sharded | None = None

    @property
    def training_features(self) -> Sequence[Feature]:
        """What steps are made of: the features of the training rows, packed if the task packs them."""
        return self.task.pack(self.encoded["train"].features)

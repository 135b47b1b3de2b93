"""Learning from the outputs of a larger model (Hinton, Vinyals & Dean 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, overload

import numpy as np

from taskzoo.engine.job import Job
from taskzoo.models.divergence import divergence
from taskzoo.task import Objective, Task
from taskzoo.types import Batch, Collate, Feature, Loss

from .wrapping import Wrapped

TEACHER = "teacher_logits"
"""Name of the teacher's logits in features and in the targets of a batch."""


class Distillation(Wrapped):
    """``1 - share`` of the loss, and ``share`` of the divergence from the teacher at ``temperature``.

    The latter is multiplied by the square of the temperature, so that its gradient keeps its size.
    """

    def __init__(self, inner: Objective, task: Task, *, temperature: float, share: float) -> None:
        super().__init__(inner)
        self._task, self._temperature, self._share = task, temperature, share

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        plain = super().loss(outputs, batch, label_smoothing=label_smoothing)
        logits, targets = self._task.target_logits(outputs, batch), self._task.logit_targets
        assert targets is not None  # check_strategies
        apart = divergence(logits, batch.targets[TEACHER].to(logits), targets.kind, self._temperature)
        reported = plain.total.detach() if plain.reported is None else plain.reported
        return Loss((1 - self._share) * plain.total + self._share * apart, plain.weight, reported)


def taught(job: Job, logits: Sequence[np.ndarray]) -> Job:
    """``job`` whose batches have the teacher's logits, ``logits[i]`` ``[N, L]`` those of feature ``i``'s targets."""
    return replace(job, features=_Taught(job.features, logits), collate=_collate(job.collate))


class _Taught(Sequence[Feature]):
    """Features, each with its teacher's logits."""

    def __init__(self, features: Sequence[Feature], logits: Sequence[np.ndarray]) -> None:
        self._features, self._logits = features, logits

    def __len__(self) -> int:
        return len(self._features)

    @overload
    def __getitem__(self, index: int) -> Feature: ...

    @overload
    def __getitem__(self, index: slice) -> list[Feature]: ...

    def __getitem__(self, index: int | slice) -> Feature | list[Feature]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        feature = self._features[index]
        return replace(feature, values={**feature.values, TEACHER: self._logits[index]})


def _collate(collate: Collate) -> Collate:
    def with_logits(features: Sequence[Feature]) -> Batch:
        batch = collate(features)
        batch.targets[TEACHER] = np.concatenate([feature[TEACHER] for feature in features])
        return batch

    return with_logits

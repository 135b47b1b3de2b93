"""What a teacher predicts for the training rows, target by target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from taskzoo.data.batching import plan_evaluation
from taskzoo.engine.batches import to_device
from taskzoo.engine.scoring import MAX_EXAMPLES, most_tokens
from taskzoo.engine.session import Session
from taskzoo.errors import RequestError
from taskzoo.task import Task
from taskzoo.types import IGNORE_INDEX, Batch


@torch.no_grad()
def teacher_logits(session: Session, teacher: Task, model: nn.Module, processor: Any) -> list[np.ndarray]:
    """The teacher's logits ``[N, L]`` for the targets of each training feature, in the student's order of labels.

    The teacher reads the rows with its own ``processor``. Where a text has several windows, all of the student's get
    the mean of the teacher's; where tokens are labelled, each window gets the logits of its own.

    Raises:
        RequestError: teacher and student have other targets for a row.
    """
    accelerator, rows = session.accelerator, session.examples["train"]
    collate, limit = teacher.collator(processor), most_tokens(teacher, on_cpu=accelerator.device.type == "cpu")
    features = teacher.encode(rows, processor).features
    order = _order(session.task, teacher)
    parts: dict[int, np.ndarray] = {}
    model.to(accelerator.device).eval()
    for indices in plan_evaluation([f.length for f in features], max_tokens=limit, max_examples=MAX_EXAMPLES):
        batch = to_device(collate([features[i] for i in indices]), accelerator.device)
        with accelerator.autocast():
            outputs = teacher.forward(model, batch)
        found = teacher.target_logits(outputs, batch).float().cpu().numpy()[:, order]
        ends = np.cumsum(list(_targets(teacher, batch)))[:-1]
        parts |= dict(zip(indices, np.split(found, ends), strict=True))
    of_row: dict[int, list[np.ndarray]] = {}
    for index, feature in enumerate(features):
        of_row.setdefault(feature.row, []).append(parts[index])
    return list(_dealt_out(session, of_row))


def _order(student: Task, teacher: Task) -> list[int]:
    """For each of the student's labels its place among the teacher's; both have the same."""
    ours, theirs = student.logit_targets, teacher.logit_targets
    assert ours is not None  # checked before anything was loaded
    assert theirs is not None
    return [list(theirs.names).index(name) for name in ours.names]


def _targets(task: Task, batch: Batch) -> Iterator[int]:
    """How many targets each feature of a batch has."""
    if task.token_target:
        labels = batch.targets[task.token_target]
        yield from (labels != IGNORE_INDEX).reshape(len(labels), -1).sum(1).tolist()
    else:
        yield from [1] * len(next(iter(batch.inputs.values())))


def _dealt_out(session: Session, of_row: dict[int, list[np.ndarray]]) -> Iterator[np.ndarray]:
    """For each of the student's features its targets' share of the teacher's logits of its row."""
    task, features = session.task, session.training_features
    if any(feature.also for feature in features):
        raise RequestError("A teacher needs one text in each training sequence; turn off what lays several into one.")
    if not task.token_target:
        yield from (np.mean(of_row[feature.row], axis=0) for feature in features)
        return
    waiting = {row: np.concatenate(parts) for row, parts in of_row.items()}
    taken = dict.fromkeys(waiting, 0)
    for feature in features:
        (count,) = _targets(task, session.collate([feature]))
        start = taken[feature.row]
        taken[feature.row] += count
        yield waiting[feature.row][start : start + count]
    for row, count in taken.items():
        if count != len(waiting[row]):
            example = session.examples["train"][row]
            raise RequestError(
                f"The tokenizers of teacher and student leave different words without a token ({example.source}, line "
                f"{example.line}: {len(waiting[row])} and {count} words have one); use a teacher with a tokenizer like "
                "the student's."
            )

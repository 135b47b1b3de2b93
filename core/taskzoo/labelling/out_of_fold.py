"""What a probe makes of each row that was fitted without it: every text is encoded once, then a layer for each fold."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from taskzoo.arrays import as_array
from taskzoo.data.folds import assign_folds
from taskzoo.engine.batches import to_device
from taskzoo.engine.last_layer import Inputs, encode_once, last_linear, only_logits
from taskzoo.engine.progress import Reporter
from taskzoo.engine.random_state import seeded
from taskzoo.engine.ridge import ProbeData, fit_probe
from taskzoo.engine.scoring import MAX_EXAMPLES, Decoded, assemble
from taskzoo.engine.session import Session
from taskzoo.errors import Interrupted
from taskzoo.runs.loading import load_session
from taskzoo.runs.plan import Plan
from taskzoo.types import IGNORE_INDEX, Batch, Example, Prediction

from .text_key import text_key

MOST_FITTED = 60_000
"""Tokens that a layer on tokens is fitted on at most, those of rows drawn by chance."""


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Of every text, or of every token that has a label, what the layer says that was fitted on the other folds.

    Args:
        logits: ``[N, L]``, float32.
        targets: the tensors of the task's batches that hold the labels, as arrays ``[N, ...]``.
        rows: index of the row of each, ``[N]``, ascending.
        vectors: a vector of each row, ``[rows, H]``; ``None`` for a layer on tokens.
        folds: the fold of each row, from 1.
        labels: the names of the outputs.
        predictions: what the task makes of the logits, one for each row.
    """

    logits: np.ndarray
    targets: dict[str, np.ndarray]
    rows: np.ndarray
    vectors: np.ndarray | None
    folds: np.ndarray
    labels: list[str]
    predictions: list[Prediction]


def out_of_fold(plan: Plan, folds: int, reporter: Reporter, stop: Callable[[], bool]) -> OutOfFold:
    """Encode the training rows of ``plan``, and let each fold be judged by a layer that was fitted on the others.

    Rows with the same text, but for case, spaces and punctuation, and rows of one group are in one fold.

    Raises:
        RequestError: the task generates, its head does not end in a layer that can be fitted, or too few rows.
        TrainingError: the vectors are not finite.
        Interrupted: stopped on request.
    """
    examples, seed = plan.splits.examples["train"], plan.config.training.seed
    of_rows = _folds(plan, examples, folds)
    # whichever method is set, nothing is trained; this one takes heads of any kind
    training = replace(plan.config.training, method="full", gradient_checkpointing=False)
    plan = replace(plan, config=replace(plan.config, training=training))
    with tempfile.TemporaryDirectory(prefix="taskzoo-") as folder, seeded(seed):
        session = load_session(plan, reporter, Path(folder)).session
        session.stop = stop
        of_tokens = bool(plan.task.token_target)
        features = session.encoded["train"].features
        inputs = encode_once(session, features, "encoding", tokens=of_tokens)
        rows = np.array([feature.row for feature in features])[as_array(inputs.features)]
        logits = _fit_each(session, inputs, rows, of_rows, (of_tokens, seed))
        ids = session.model.config.id2label
        predictions = _read(session, inputs, logits, of_tokens=of_tokens)
    targets = {name: as_array(value) for name, value in inputs.targets.items()}
    labels = [str(ids[i]) for i in range(logits.shape[1])] if len(ids) == logits.shape[1] else []
    vectors = None if of_tokens else row_means(as_array(inputs.vectors), rows, len(examples))
    return OutOfFold(logits, targets, rows, vectors, of_rows, labels, predictions)


def _folds(plan: Plan, examples: Sequence[Example], folds: int) -> np.ndarray:
    """The fold of each row, from 1."""
    task = plan.task
    group_of = {id(example): group for example, group in plan.splits.groups}
    groups = [group_of.get(id(example)) for example in examples]

    def near(example: Example) -> tuple[str, str]:
        given, target = task.dedup_key(example)
        return text_key(given), target

    found, _ = assign_folds(
        examples,
        folds,
        dedup_key=near,
        seed=plan.config.training.seed,
        groups=groups if any(group is not None for group in groups) else None,
        stratify=not task.multi_reference,
    )
    return np.array(found)


def _fit_each(
    session: Session, inputs: Inputs, rows: np.ndarray, of_rows: np.ndarray, kind: tuple[bool, int]
) -> np.ndarray:
    """Logits of all ``inputs``, each by a layer fitted without its fold; ``kind``: whether of tokens, and the seed."""
    of_tokens, seed = kind
    layer, fold = last_linear(session.model), of_rows[rows]
    numbers = sorted(set(of_rows.tolist()))
    logits = np.zeros((len(rows), layer.out_features), dtype=np.float32)
    with session.reporter.bar("fitting", len(numbers)) as bar:
        for done, number in enumerate(numbers, 1):
            held, others = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
            others = _sample(others, rows, seed) if of_tokens else others
            if len(held) and len(others):
                # the strength of the ridge is the one number that is chosen by the labels of the fold itself
                judged = inputs.take(held)
                given = ProbeData(inputs.take(others), rows[others], judged, of_tokens=of_tokens, quick=True)
                fit_probe(session.model, session.task, given, seed=seed)
                with torch.no_grad():
                    logits[held] = as_array(layer(judged.vectors))
            bar.update(done)
            if session.stop():
                raise Interrupted(f"Stopped after fold {done} of {len(numbers)}.")
    return logits


def _sample(places: np.ndarray, rows: np.ndarray, seed: int) -> np.ndarray:
    """Of ``places`` those of so many rows, drawn by chance, that a layer is fitted on :data:`MOST_FITTED` at most."""
    if len(places) <= MOST_FITTED:
        return places
    names, place = np.unique(rows[places], return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(names))
    sizes = np.bincount(place)[order].cumsum()
    kept = np.zeros(len(names), dtype=bool)
    kept[order[sizes <= MOST_FITTED]] = True
    return places[kept[place]]


def row_means(values: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
    """The mean of the ``values`` ``[N, H]`` of each row, ``[count, H]``."""
    sums = np.zeros((count, *values.shape[1:]), dtype=np.float64)
    np.add.at(sums, rows, values)
    return (sums / np.maximum(1, np.bincount(rows, minlength=count))[:, None]).astype(np.float32)


def _read(session: Session, inputs: Inputs, logits: np.ndarray, *, of_tokens: bool) -> list[Prediction]:
    """What the task predicts for each row from ``logits`` ``[N, L]``."""
    task, features, examples = session.task, session.encoded["train"].features, session.examples["train"]
    parts: list[list[Any]] = [[] for _ in examples]
    if of_tokens:
        found, at = [], 0
        for start in range(0, len(features), MAX_EXAMPLES):
            batch = to_device(session.collate(features[start : start + MAX_EXAMPLES]), torch.device("cpu"))
            active = batch.targets[task.token_target] != IGNORE_INDEX
            filled = torch.zeros(*active.shape, logits.shape[1])
            count = int(active.sum())
            filled[active] = torch.from_numpy(logits[at : at + count])
            at += count
            found += task.predict_batch(session.model, batch, SimpleNamespace(logits=filled))
    else:
        targets = {name: value.cpu() for name, value in inputs.targets.items()}
        with only_logits():
            found = task.decode(SimpleNamespace(logits=torch.from_numpy(logits)), Batch({}, targets))
    for feature, part in zip(features, found, strict=True):
        parts[feature.row].append(part)
    return list(assemble(task, examples, Decoded(parts)).rows)

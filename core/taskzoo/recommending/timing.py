"""How long training will take and how much memory it needs, from a few of its steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from taskzoo.engine.batches import to_device
from taskzoo.engine.embeddings import compact_table
from taskzoo.engine.gradient import Gradient
from taskzoo.engine.job import task_job
from taskzoo.engine.memory import training_memory
from taskzoo.engine.optim import build_optimizer
from taskzoo.engine.plan import plan_steps
from taskzoo.engine.session import Session
from taskzoo.errors import Interrupted
from taskzoo.methods.base import Method
from taskzoo.types import Feature

from .result import Estimate

STEPS = 4
"""Training steps that are timed, after one that is not."""
BYTES = 4
"""Of a weight."""


@dataclass(frozen=True, slots=True)
class Speed:
    """What a machine does with a model at the length of these rows.

    Args:
        step: seconds of a training step per token, on average; ``fastest`` and ``slowest`` of those that were timed.
        forward: seconds per token of predicting.
        memory: bytes that training takes, the weights included.
    """

    step: float
    fastest: float
    slowest: float
    forward: float
    memory: int


def measure_speed(session: Session, stop: Callable[[], bool]) -> Speed:
    """Time a few training steps; the weights of ``session`` are then no longer the pretrained ones.

    Raises:
        Interrupted: stopped on request.
    """
    job = task_job(session)
    features = job.features
    memory = training_memory(session) + BYTES * sum(p.numel() for p in session.model.parameters())
    batches = plan_steps(features, session.settings).epoch(0)
    chosen = [batches[i] for i in np.linspace(0, len(batches) - 1, STEPS).round().astype(int)]
    took: list[tuple[float, int]] = []
    with session.accelerator.active(), compact_table(session):
        optimizer, gradient = build_optimizer(job.model, session.settings), Gradient(session, job, session.trained)
        session.trained.train()
        with session.reporter.bar("timing steps", STEPS + 1) as bar:
            for number, examples in enumerate([chosen[0], *chosen], 1):
                began = _now(session)
                gradient.sum(examples)
                optimizer.step()
                optimizer.zero_grad()
                took.append((_now(session) - began, _tokens([features[i] for i in examples])))
                bar.update(number)
                if stop():
                    raise Interrupted("Stopped while timing training steps.")
        session.trained.eval()
        forward = _time_forward(session, [features[i] for i in chosen[len(chosen) // 2]])
    each = [seconds / tokens for seconds, tokens in took[1:]]
    mean = sum(seconds for seconds, _ in took[1:]) / sum(tokens for _, tokens in took[1:])
    return Speed(mean, min(each), max(each), forward, memory)


def forecast_minutes(method: Method, session: Session, speed: Speed, *, share: float, fitting: float) -> Estimate:
    """Minutes of training and validation with ``method``.

    The least is one attempt at the pace of the fastest step that was timed, the most all attempts that the method may
    make at that of the slowest.

    Args:
        method: whose settings ``session`` has.
        session: with features of the rows, or of a share of them.
        speed: measured on this machine.
        share: the features' share of all.
        fitting: seconds of fitting one last layer.
    """
    train = _tokens(session.encoded["train"].features) / share
    held = _tokens(session.encoded["validation"].features) if "validation" in session.encoded else 0
    encoding = speed.forward * (train + held)
    if not method.takes_steps:
        return Estimate(
            (encoding + fitting) / 60, encoding / 60, (encoding + 2 * fitting) / 60, "encoding each row once, as timed"
        )
    features = method.epoch_features(session)
    every = [features[i % len(features)] for i in range(round(len(features) / share))]
    plan = plan_steps(every, session.settings)
    tokens = _tokens(every) * plan.last_step / plan.per_epoch
    evaluations = plan.last_step / (session.settings.evaluate_every or plan.per_epoch)
    validating = evaluations * speed.forward * held
    attempts = f", up to {method.most_attempts} attempts" if method.most_attempts > 1 else ""
    paces = (speed.step, speed.fastest, speed.slowest * method.most_attempts)
    value, low, high = (
        (encoding + fitting + tokens * pace + validating * max(1.0, times)) / 60
        for pace, times in zip(paces, (1.0, 1.0, float(method.most_attempts)), strict=True)
    )
    basis = f"{plan.last_step:,} steps, of which {STEPS} were timed{attempts}"
    return Estimate(value, low, high, basis)


def _time_forward(session: Session, features: Sequence[Feature]) -> float:
    """Seconds per token of a forward pass."""
    batch = to_device(session.collate(list(features)), session.accelerator.device)
    began = _now(session)
    with torch.no_grad(), session.accelerator.autocast():
        session.task.forward(session.trained, batch)
    return (_now(session) - began) / _tokens(features)


def _tokens(features: Sequence[Feature]) -> int:
    return max(1, sum(feature.length + feature.target_length for feature in features))


def _now(session: Session) -> float:
    if session.accelerator.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()

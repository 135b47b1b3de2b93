"""Training on a draw of the training rows and scoring it on the validation rows, for learning curves."""

from __future__ import annotations

import copy
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from taskzoo.engine.progress import Reporter
from taskzoo.errors import Interrupted, RequestError

from .data import Splits
from .plan import Plan

if TYPE_CHECKING:
    from taskzoo.engine.probe import Inputs

    from .prepare import Prepared

KEPT = ("manifest.json", "metrics.json", "history.jsonl")
"""What stays of each run: the weights of all of them would fill a disk."""


@dataclass(frozen=True, slots=True)
class Draw:
    """Which rows to train on: ``rows`` of them, at ``indices``, drawn with ``seed``."""

    rows: int
    seed: int
    indices: list[int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a draw did: ``metrics`` as one split of ``metrics.json``, and the seconds it took."""

    rows: int
    seed: int
    metrics: dict[str, Any]
    seconds: float


def probe_draws(plan: Plan, draws: Sequence[Draw], reporter: Reporter) -> Iterator[Outcome]:
    """Solve for the last layer on each draw; every text is encoded once for all of them.

    Labels are those of all training rows. Only the last outcome has intervals.

    Raises:
        RequestError: the head does not work on whole texts.
    """
    import torch

    from taskzoo.engine.evaluation import Decoded, assemble, score
    from taskzoo.engine.probe import fit_probe, last_linear

    from .prepare import Prepared

    task: Any = plan.task
    prepared = Prepared(plan, reporter)
    train, validation = (_encode(plan, prepared, split, reporter) for split in ("train", "validation"))
    rows = np.array([feature["row"] for feature in prepared.encoded["train"].features])
    held = plan.splits.rows["validation"]
    with reporter.bar("fitting", len(draws)) as bar:
        for number, draw in enumerate(draws, 1):
            began = time.perf_counter()
            members = np.flatnonzero(np.isin(rows, draw.indices))
            fit_probe(prepared.model, task, train.take(members), validation, rows[members], seed=draw.seed)
            with torch.no_grad():
                outputs = SimpleNamespace(logits=last_linear(prepared.model)(validation.vectors))
                decoded = task.decode(outputs, {"inputs": {}, "targets": validation.targets})
            parts: list[list[Any]] = [[] for _ in held]
            for feature, part in zip(prepared.encoded["validation"].features, decoded, strict=True):
                parts[feature["row"]].append(part)
            if hasattr(task, "tune"):
                task.tune(held, parts)
            result = score(task, held, assemble(task, held, Decoded(parts)), intervals=number == len(draws))
            bar.update(number)
            yield Outcome(draw.rows, draw.seed, result.to_dict(), time.perf_counter() - began)


def run_draws(plan: Plan, draws: Sequence[Draw], folder: Path, reporter: Reporter) -> Iterator[Outcome]:
    """A run for each draw, ``folder/ROWS-SEED``, of which scores and history are kept.

    Raises:
        RequestError: a draw leaves nothing to learn (nothing is written).
        TrainingError, Interrupted: as :func:`taskzoo.runs.finetune.start`.
    """
    from .finetune import start

    plans = [_plan(plan, draw) for draw in draws]  # before the first is trained
    for number, (draw, one) in enumerate(zip(draws, plans, strict=True), 1):
        began = time.perf_counter()
        path = folder / f"{draw.rows}-{draw.seed}"
        try:
            run = start(one, path, reporter=_BarsOnly(reporter))
        except Interrupted:
            raise Interrupted(f"Stopped in draw {number} of {len(draws)}.") from None
        metrics = run.metrics["validation"]
        for item in path.iterdir():
            if item.is_dir():
                shutil.rmtree(item)
            elif item.name not in KEPT:
                item.unlink()
        seconds = time.perf_counter() - began
        reporter.say(f"draw {number}/{len(draws)} of {draw.rows} rows took {seconds:.0f} s")
        yield Outcome(draw.rows, draw.seed, metrics, seconds)


def _plan(plan: Plan, draw: Draw) -> Plan:
    """The plan of a run on the draw alone, its task fitted on it."""
    rows = plan.splits.rows
    part = {**rows, "train": [rows["train"][i] for i in draw.indices]}
    task = copy.deepcopy(plan.task)
    try:
        task.fit(part["train"])
    except RequestError as error:
        raise RequestError(f"A draw of {draw.rows} rows will not do; name larger --sizes. {error}") from None
    splits = Splits(
        part,
        {split: {"source": f"{source['source']}, in part"} for split, source in plan.splits.sources.items()},
        {**plan.splits.made, "draw": {"rows": draw.rows, "seed": draw.seed}},
    )
    config = replace(plan.config, training=replace(plan.config.training, seed=draw.seed))
    return replace(plan, config=config, task=task, splits=splits)


def _encode(plan: Plan, prepared: Prepared, split: str, reporter: Reporter) -> Inputs:
    from taskzoo.engine.probe import encode_once

    features, done = prepared.encoded[split].features, 0
    with reporter.bar(f"encoding {split}", len(features)) as bar:

        def advance(count: int) -> None:
            nonlocal done
            done += count
            bar.update(done)

        return encode_once(
            prepared.model, features, prepared.collate, prepared.accelerator,
            max_tokens=plan.config.training.evaluation_tokens, advance=advance,
        )  # fmt: skip


class _BarsOnly:
    """Passes on progress and drops what every run says anew."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def say(self, message: str) -> None:
        pass

    def bar(self, title: str, total: int) -> Any:
        return self._reporter.bar(title, total)

"""What more labels would bring: scores on the validation rows after training on ever more rows."""

from __future__ import annotations

import copy
import shutil
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from taskzoo import registry
from taskzoo.data.nested import default_sizes, nested_order, parse_sizes
from taskzoo.engine.progress import Reporter, Silent
from taskzoo.errors import Interrupted, RequestError
from taskzoo.types import LOSS

from . import execute
from .curve import CURVE_FILE, Curve, Outcome, look_ahead, metric_of, scalars
from .data import Splits
from .directory import write_json
from .execute import Stop, never
from .plan import Plan
from .reporters import BarsOnly
from .wording import curve_opening, curve_verdict

KEPT = ("manifest.json", "metrics.json", "history.jsonl")
"""What stays of each run: the weights of all of them would fill a disk."""


@dataclass(frozen=True, slots=True)
class Subset:
    """Which rows to train on: ``rows`` of them, at ``indices``, drawn with ``seed``."""

    rows: int
    seed: int
    indices: list[int]


def learning_curve(
    plan: Plan,
    path: Path,
    *,
    sizes: str | None = None,
    repeats: int = 3,
    reporter: Reporter | None = None,
    stop: Stop = never,
) -> Curve:
    """Train on nested subsets of the training rows, score each on the validation rows, and look ahead.

    A subset is the beginning of an order that a seed decides, so smaller subsets are part of larger ones; classes keep
    their proportions, and each has a row in every subset. The test rows are not looked at. With
    ``method=linear-probe`` every text is encoded once for all subsets; any other method makes a run of each below
    ``path/runs``.

    Args:
        plan: with all training rows.
        path: the directory to make; it gets ``curve.json``.
        sizes: numbers of rows or shares of them, e.g. ``"16,64,50%,all"``; by default from about 8 per class to all.
        repeats: subsets per size, with the seeds that follow the plan's.
        reporter: where progress is shown.
        stop: asked whether to stop.

    Raises:
        RequestError: sizes that cannot be drawn, no validation rows, or a task that does not suit the method.
        TrainingError, Interrupted: a run failed or was stopped; the scores so far are in ``curve.json``.
    """
    reporter = reporter or Silent()
    examples, task, settings = plan.splits.examples, plan.task, plan.config.training
    train = examples["train"]
    if not examples["validation"]:
        raise RequestError("A learning curve is scored on validation rows, and there are none; give --validation.")
    plan = replace(plan, splits=replace(plan.splits, examples={**examples, "test": []}))
    number = len({name for example in train for name in task.classes(example)})
    chosen = parse_sizes(sizes, len(train), number) if sizes else default_sizes(len(train), number)
    seeds = range(settings.seed, settings.seed + repeats)
    orders = {seed: nested_order(train, task.classes, task.dedup_key, seed) for seed in seeds}
    subsets = [Subset(size, seed, sorted(orders[seed][:size])) for size in chosen for seed in seeds]
    for line in curve_opening(plan, chosen, repeats):
        reporter.say(line)
    if registry.method(settings.method).encodes_once:  # nothing else is random, so all subsets of all rows are the same
        subsets = [subset for subset in subsets if subset.rows < len(train) or subset.seed == settings.seed]
        outcomes = probe_subsets(plan, subsets, reporter, stop)
    else:
        outcomes = run_subsets(plan, subsets, path / "runs", reporter, stop)
    curve = Curve(LOSS, len(examples["validation"]))
    try:
        with closing(outcomes):
            for outcome in outcomes:
                if not curve.outcomes:
                    curve.score = task.score_of(metric_of(task.primary_metric, list(scalars(outcome.metrics))))
                curve.outcomes.append(outcome)
        curve.forecast = look_ahead(curve)
    finally:
        if curve.outcomes:
            path.mkdir(parents=True, exist_ok=True)
            request = {"repeats": repeats, "train_rows": len(train), "config": plan.config.to_dict()}
            write_json(path / CURVE_FILE, {**curve.to_dict(), "verdict": curve_verdict(curve), **request})
    return curve


def probe_subsets(plan: Plan, subsets: Sequence[Subset], reporter: Reporter, stop: Stop) -> Generator[Outcome]:
    """Fit the last layer on each subset; every text is encoded once for all of them.

    Labels are those of all training rows. Only the last outcome has intervals.

    Raises:
        RequestError: the head does not work on whole texts.
        Interrupted: stopped on request.
    """
    from taskzoo.engine.last_layer import decode_vectors, encode_once
    from taskzoo.engine.random_state import seeded
    from taskzoo.engine.ridge import ProbeData, fit_probe
    from taskzoo.engine.scoring import Decoded, assemble, score

    from .loading import load_session

    task, held = plan.task, plan.splits.examples["validation"]
    with tempfile.TemporaryDirectory(prefix="taskzoo-") as folder, seeded(plan.config.training.seed):
        session = load_session(plan, reporter, Path(folder)).session
        session.stop = stop
        features = session.encoded["validation"].features
        train = encode_once(session, session.encoded["train"].features, "encoding train")
        validation = encode_once(session, features, "encoding validation")
        rows = np.array([feature.row for feature in session.encoded["train"].features])
        with reporter.bar("fitting", len(subsets)) as bar:
            for number, subset in enumerate(subsets, 1):
                began = time.perf_counter()
                members = np.flatnonzero(np.isin(rows, subset.indices))
                given = ProbeData(train.take(members), rows[members], validation)
                fit_probe(session.model, task, given, seed=subset.seed)
                parts: list[list[Any]] = [[] for _ in held]
                for feature, part in zip(features, decode_vectors(session.model, task, validation), strict=True):
                    parts[feature.row].append(part)
                task.tune(held, parts)
                predictions = assemble(task, held, Decoded(parts))
                result = score(task, held, predictions, intervals=number == len(subsets))
                bar.update(number)
                yield Outcome(subset.rows, subset.seed, result.to_dict(), time.perf_counter() - began)
                if stop():
                    raise Interrupted(f"Stopped after subset {number} of {len(subsets)}.")


def run_subsets(
    plan: Plan, subsets: Sequence[Subset], folder: Path, reporter: Reporter, stop: Stop
) -> Generator[Outcome]:
    """A run for each subset, ``folder/ROWS-SEED``, of which scores and history are kept; raises as its start does."""
    plans = [_plan(plan, subset) for subset in subsets]  # before the first is trained
    for number, (subset, one) in enumerate(zip(subsets, plans, strict=True), 1):
        began = time.perf_counter()
        path = folder / f"{subset.rows}-{subset.seed}"
        try:
            run = execute.start(one, path, reporter=BarsOnly(reporter), stop=stop)
        except Interrupted:
            raise Interrupted(f"Stopped in subset {number} of {len(subsets)}.") from None
        metrics = run.metrics["validation"]
        for item in path.iterdir():
            if item.is_dir():
                shutil.rmtree(item)
            elif item.name not in KEPT:
                item.unlink()
        seconds = time.perf_counter() - began
        reporter.say(f"subset {number}/{len(subsets)} of {subset.rows} rows took {seconds:.0f} s")
        yield Outcome(subset.rows, subset.seed, metrics, seconds)


def _plan(plan: Plan, subset: Subset) -> Plan:
    """The plan of a run on the subset alone, its task fitted on it."""
    examples = plan.splits.examples
    part = {**examples, "train": [examples["train"][i] for i in subset.indices]}
    task = copy.deepcopy(plan.task)
    try:
        task.fit(part["train"])
    except RequestError as error:
        raise RequestError(f"A subset of {subset.rows} rows will not do; name larger --sizes. {error}") from None
    splits = Splits(
        part,
        {split: {"source": f"{source['source']}, in part"} for split, source in plan.splits.sources.items()},
        {**plan.splits.made, "subset": {"rows": subset.rows, "seed": subset.seed}},
    )
    asked = bool(plan.config.training.baseline)
    config = replace(plan.config, training=replace(plan.config.training, seed=subset.seed, baseline=asked))
    return replace(plan, config=config, task=task, splits=splits)

"""One trial: a run with other settings, scored on the validation rows. No test row is part of it."""

from __future__ import annotations

import copy
import gc
import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from taskzoo.callbacks import Callback
from taskzoo.config import TRAINING_FIELDS, RunConfig
from taskzoo.data.readers import find_splits
from taskzoo.engine.progress import Reporter, Silent
from taskzoo.errors import Interrupted, MachineError, PluginError, RequestError, TrainingError
from taskzoo.faults import is_out_of_memory
from taskzoo.runs import execute
from taskzoo.runs.data import NONE
from taskzoo.runs.directory import RunDirectory
from taskzoo.runs.execute import Stop
from taskzoo.runs.plan import Plan, make_plan
from taskzoo.runs.reporters import BarsOnly
from taskzoo.runs.request import Resolved
from taskzoo.runs.verdict import judging_score
from taskzoo.types import Score

from .space import Dimension
from .store import COMPLETE, Claimed

PARTS = 4
"""Into so many parts a training is divided, after each of which trials are compared, however long they are."""
REPLACED = {"epochs": "min_steps", "batch_size": "batch_tokens"}
"""Setting -> the one that it replaces."""
KEPT = ("config.yaml", "manifest.json", "metrics.json", "history.jsonl")
"""What stays of a trial: the weights of all of them would fill a disk."""


class Trials:
    """What all trials of a request have in common: rows are read once, unless options of the task are searched."""

    def __init__(self, resolved: Resolved, space: Sequence[Dimension] = (), reporter: Reporter | None = None) -> None:
        """``space`` may be given later; ``reporter`` is told of large data.

        Raises:
            RequestError: rows are to be streamed: how many, is a matter of settings.
        """
        if resolved.config.training.streaming:
            raise RequestError("All trials need the same rows, and streaming=true reads as many as settings say.")
        self.resolved, self.space, self._reporter = resolved, tuple(space), reporter or Silent()
        self.base = resolved.config
        self._shown = replace(resolved, config=_of_trials(resolved))
        self.plan = _without_test(make_plan(self._shown, reporter=self._reporter, counted=False))
        self._pristine = copy.deepcopy(self.plan.task)

    def score(self) -> Score:
        """What trials are judged by.

        Raises:
            RequestError: nothing, or there are no validation rows.
        """
        if not self.plan.splits.examples["validation"]:
            raise RequestError("Trials are scored on validation rows, and there are none; give --validation.")
        score = judging_score(self.plan.task)
        if score is None:
            raise RequestError(f"The task {self.resolved.entry.name!r} has no score to choose settings by.")
        return score

    def default_params(self) -> dict[str, Any]:
        """The default settings, as far as they lie in what is searched."""
        training = self.base.training
        values = {**self.base.options, **vars(training)}
        for name, other in REPLACED.items():
            if getattr(training, other):
                del values[name]  # another setting decides
        return {one.name: values[one.name] for one in self.space if one.name in values and one.has(values[one.name])}

    def plan_of(self, settings: Mapping[str, Any]) -> Plan:
        """The plan of a trial.

        Raises:
            RequestError: the settings do not go together.
        """
        config = applied(self._shown.config, settings)
        if config.options != self._shown.config.options or "mix_old" in settings:
            return _without_test(make_plan(replace(self._shown, config=config), reporter=self._reporter, counted=False))
        plan = replace(self.plan, config=config, task=copy.deepcopy(self._pristine))
        plan.method().check(plan.task, config.training)
        return plan


def applied(config: RunConfig, settings: Mapping[str, Any]) -> RunConfig:
    """The configuration with other settings; epochs replace the least number of steps, and examples that of tokens."""
    training = {name: value for name, value in settings.items() if name in TRAINING_FIELDS}
    for name, other in REPLACED.items():
        if name in training:
            training.setdefault(other, 0)
    options = {name: value for name, value in settings.items() if name not in TRAINING_FIELDS}
    return replace(config, training=replace(config.training, **training), options={**config.options, **options})


def same_rows(config: RunConfig, seed: int) -> RunConfig:
    """The configuration with another seed, on the rows that it has."""
    data = replace(config.data, split_seed=config.rows_seed)
    return replace(config, data=data, training=replace(config.training, seed=seed))


def _of_trials(resolved: Resolved) -> RunConfig:
    """Without trackers, baseline and test rows of their own; those that are split off from training rows stay away."""
    config = same_rows(resolved.config, resolved.config.training.seed)
    data, folder = config.data, Path(config.data.name or "")
    has_test = data.test is not None
    if not has_test and data.name and folder.is_absolute() and folder.is_dir():
        has_test = "test" in find_splits(folder, resolved.entry.spec.columns)
    if has_test and not data.fold:
        data = replace(data, test=NONE, test_columns={})
    training = replace(config.training, baseline=False, evaluate_modules="", keep_checkpoints=False, time_limit=0.0)
    return replace(config, data=data, training=training, track=[])


def _without_test(plan: Plan) -> Plan:
    return replace(plan, splits=replace(plan.splits, examples={**plan.splits.examples, "test": []}))


@dataclass(frozen=True, slots=True)
class Watching:
    """Who looks on: where progress is shown, and whether somebody asked to stop."""

    reporter: Reporter
    stop: Stop


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a trial ended: with a score, pruned, or for a reason."""

    score: float | None = None
    pruned: bool = False
    reason: str = ""


class _Watch(Callback):
    """Reports the scores of a training after each of its :data:`PARTS` to the trial."""

    def __init__(self, trial: Claimed, score: Score) -> None:
        self.steps, self.pruned = 0, False
        self._trial, self._score, self._part = trial, score, 0

    def evaluation(self, values: Mapping[str, float]) -> None:
        """Only within the training: a part that is not over is not reported, and at the end nothing is saved."""
        part = int(PARTS * values["step"] / self.steps) if self.steps else 0
        value = values.get(f"validation_{self._score.name}")
        if value is None or not math.isfinite(value) or not self._part < part < PARTS:
            return
        self._part = part
        worse = self._trial.report(value, part)
        self.pruned = worse and not self._trial.is_default


class _Steps(BarsOnly):
    """Tells a watch how many steps the training has; says nothing of what every run says anew."""

    def __init__(self, reporter: Reporter, watch: _Watch) -> None:
        super().__init__(reporter)
        self._watch = watch

    def bar(self, title: str, total: int) -> Any:
        if title == "training":
            self._watch.steps = total
        return super().bar(title, total)


class OutOfTime(Exception):  # noqa: N818 - nothing went wrong
    """The time for trials is over."""


def run_trial(trials: Trials, trial: Claimed, path: Path, watching: Watching, ends: float) -> Outcome:
    """Make one trial, and leave of its run only what is small.

    Args:
        trials: the request.
        trial: of its study.
        path: the directory of its run.
        watching: who looks on.
        ends: when the time for trials is over, as :func:`time.time` counts.

    Raises:
        Interrupted: somebody asked to stop.
        OutOfTime: the time is over.
        RequestError, PluginError: of the default settings, which are then no base for others.
        MachineError: the disk is full or the like.
    """
    score, began = trials.score(), time.perf_counter()
    settings = {} if trial.is_default else {one.name: one.suggest(trial.optuna) for one in trials.space}
    if trial.is_default:
        for one in trials.space:
            if one.name in trials.default_params():
                one.suggest(trial.optuna)  # its values are those that it was made with
    trial.note(settings=settings)
    if (twin := trial.twin()) is not None:
        trial.note(same_as=twin.number)
        return Outcome(score=twin.score) if twin.state == COMPLETE else Outcome(pruned=True)
    watch = _Watch(trial, score)
    try:
        shutil.rmtree(path, ignore_errors=True)
        run = execute.start(
            trials.plan_of(settings),
            path,
            reporter=_Steps(watching.reporter, watch),
            stop=lambda: watch.pruned or watching.stop() or time.time() > ends,
            callbacks=[watch],
        )
        value = run.metrics["validation"].get(score.name)
        if value is None or not math.isfinite(value):
            return Outcome(reason=f"{score.name} is undefined")
        return Outcome(score=float(value))
    except Interrupted:
        if watch.pruned:
            return Outcome(pruned=True)
        if not watching.stop() and time.time() > ends:
            raise OutOfTime from None
        raise
    except (RequestError, PluginError) as error:
        if trial.is_default:
            raise
        return Outcome(reason=str(error))
    except TrainingError as error:
        return Outcome(reason=str(error))
    except MachineError as error:
        if error.__cause__ is None or not is_out_of_memory(error.__cause__):
            raise
        return Outcome(reason="the memory ran out")
    except Exception as error:  # before training, memory that runs out is not said as a fault of the machine
        if not is_out_of_memory(error):
            raise
        return Outcome(reason="the memory ran out")
    finally:
        trial.note(seconds=round(time.perf_counter() - began, 3))
        strip(path)
        _free_memory()


def strip(path: Path) -> None:
    """Remove all of a run but what :data:`KEPT` names."""
    for item in path.iterdir() if path.is_dir() else ():
        if item.is_dir():
            shutil.rmtree(item, ignore_errors=True)
        elif item.name not in KEPT:
            item.unlink(missing_ok=True)


def _free_memory() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def run_directory(path: Path, number: int) -> RunDirectory:
    """The run of a trial in the directory of the study."""
    return RunDirectory(path / "trials" / f"{number:04d}")

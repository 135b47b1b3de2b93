"""A run that has been checked as far as possible before a model is loaded or a directory exists."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from taskzoo import registry
from taskzoo.config import RunConfig
from taskzoo.data.readers import expand, require_source
from taskzoo.errors import RequestError, TaskZooError
from taskzoo.option_names import option_name
from taskzoo.spec import TaskSpec
from taskzoo.task import Task

from .data import NONE, REST, Splits, load_splits, paired_languages
from .earlier_run import EarlierRun, read_earlier
from .large import is_large, load_large_splits
from .old_rows import FROM, TEACHER, count_seen, join_rows
from .request import Resolved
from .teacher import check_teacher, refuse_folds

if TYPE_CHECKING:
    from taskzoo.engine.progress import Reporter
    from taskzoo.methods.base import Method

    from .memory import MemoryRows


@dataclass(frozen=True, kw_only=True)
class Plan(Resolved):
    """What a run will do, and with which rows: ``task`` is fitted on the training rows of ``splits``."""

    task: Task
    splits: Splits
    on_disk: bool = False
    """Whether features are kept on disk, and rows where the task and the settings allow."""
    seconds: float = 0.0
    """That it took to read and check the rows, which a time limit includes."""

    @property
    def spec(self) -> TaskSpec:
        return self.entry.spec

    def method(self) -> Method:
        """A new object of the training method."""
        made: Method = registry.method(self.config.training.method)()
        return made


def rows_seed(config: RunConfig) -> int:
    """The seed by which a run draws its rows; the others of ``--seeds`` train with other seeds on the same rows."""
    return config.training.seed if config.data.split_seed is None else config.data.split_seed


def make_plan(
    resolved: Resolved, memory: Mapping[str, MemoryRows] | None = None, *, reporter: Reporter | None = None
) -> Plan:
    """Read and check all rows, and fit the task on the training rows.

    Args:
        resolved: the request.
        memory: the rows of the splits that do not come from files.
        reporter: is told of large data, which may then stay on disk; ``None``: rows are lists, and streams refused.

    Raises:
        PluginError, RequestError, DataError: anything that cannot be used.
    """
    began, config = time.perf_counter(), resolved.config
    refuse_folds(config)
    task, splits, on_disk = _read(resolved, memory, reporter)
    if resolved.continued is not None:
        count_seen(splits, task, FROM, _learnt(resolved, resolved.continued, reporter))
    seconds = time.perf_counter() - began
    plan = Plan(**vars(resolved), task=task, splits=splits, on_disk=on_disk, seconds=seconds)
    plan.method().check(task, config.training)
    if not config.training.teacher:
        return plan
    teacher = check_teacher(config.training.teacher, resolved.entry, task)
    count_seen(splits, task, TEACHER, _learnt(resolved, teacher, reporter))
    return replace(plan, seconds=time.perf_counter() - began)


def _read(
    resolved: Resolved, memory: Mapping[str, MemoryRows] | None, reporter: Reporter | None
) -> tuple[Task, Splits, bool]:
    """The task, fitted on the training rows; the rows; and whether they are on disk. As :func:`make_plan`."""
    config, entry, spec = resolved.config, resolved.entry, resolved.entry.spec
    languages = {role: str(config.options[name]) for role, name in spec.languages.items()}
    for pattern in (*(path for paths in config.data.files.values() for path in paths), config.data.unlabelled):
        if pattern not in (None, NONE, REST):  # before anything heavy is imported
            for path in expand(pattern):
                require_source(path, spec.columns, paired_languages(spec, languages))
    earlier = resolved.continued
    task = entry.load()(config.options) if earlier is None else earlier.task(entry, config.options)
    if config.training.baseline and not task.has_baseline:
        raise RequestError(f"The task {spec.id!r} has no baseline; leave {option_name('baseline')} out.")
    if reporter is None and config.training.streaming:
        raise RequestError("streaming=true is for training; here all rows have to be at hand, so leave it out.")
    seed = config.training.seed if config.data.split_seed is None else config.data.split_seed
    on_disk = reporter is not None and not memory and is_large(config)
    splits = load_large_splits(spec, task, config, reporter) if reporter is not None and on_disk else None
    if splits is None:
        splits = load_splits(spec, task, config.data, seed=seed, memory=memory)
    if earlier is None:
        task.fit(splits.examples["train"])
    else:
        old = _old_splits(resolved, earlier, reporter) if config.training.mix_old else ""
        join_rows(splits, task, earlier, config.training, old)
        task.extend(splits.examples["train"])
    return task, splits, on_disk


def _learnt(resolved: Resolved, run: EarlierRun, reporter: Reporter | None) -> list[Splits | str]:
    """The rows of ``run`` and of the runs from which it was continued or that taught it, each as :func:`_old_splits`.

    Those of further runs are left out where the run itself does not say which they are.
    """
    found = [_old_splits(resolved, run, reporter)]
    try:
        config = run.config()
    except TaskZooError:
        return found
    for path in filter(None, (config.from_run, config.training.teacher)):
        try:
            found += _learnt(resolved, read_earlier(path), reporter)
        except TaskZooError as error:
            found.append(str(error))
    return found


def _old_splits(resolved: Resolved, earlier: EarlierRun, reporter: Reporter | None) -> Splits | str:
    """The rows of an earlier run, as its own configuration gives them; or why they cannot be had."""
    try:
        config = earlier.config()
        if config.training.streaming:
            return "they were read as a stream"
        before = None if config.from_run is None else read_earlier(config.from_run)
        was = Resolved(config, resolved.entry, resolved.ref, resolved.recipe, continued=before)
        _, found, _ = _read(was, None, reporter)
    except TaskZooError as error:
        return str(error)
    recorded = earlier.manifest.get("data", {})
    for split, source in found.sources.items():
        kept = recorded.get(split, {})
        if any(kept.get(name) != source.get(name) for name in ("sha256", "revision", "rows") if name in kept):
            return f"its {split} data ({source.get('source')}) changed since it was made"
    return found

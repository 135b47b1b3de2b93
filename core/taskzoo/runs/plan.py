"""A run that has been checked as far as possible before a model is loaded or a directory exists."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from taskzoo import registry
from taskzoo.engine.strategies.checks import without_unused
from taskzoo.spec import TaskSpec
from taskzoo.task import Task

from .data import Splits
from .learnt import learnt_rows, read_rows
from .old_rows import FROM, TEACHER, count_seen
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


def make_plan(
    resolved: Resolved,
    memory: Mapping[str, MemoryRows] | None = None,
    *,
    reporter: Reporter | None = None,
    counted: bool = True,
) -> Plan:
    """Read and check all rows, and fit the task on the training rows.

    Args:
        resolved: the request.
        memory: the rows of the splits that do not come from files.
        reporter: is told of large data, which may then stay on disk; ``None``: rows are lists, and streams refused.
        counted: whether it is counted which rows held out here earlier runs have learnt, whose rows are read for that.

    Raises:
        PluginError, RequestError, DataError: anything that cannot be used.
    """
    began, config = time.perf_counter(), resolved.config
    if not resolved.saved:
        refuse_folds(config)
    plan = read_plan(resolved, memory, reporter=reporter)
    plan.method().check(plan.task, without_unused(config.training) if resolved.saved else config.training)
    before = {FROM: plan.continued}
    if config.training.teacher:
        before[TEACHER] = check_teacher(config.training.teacher, resolved.entry, plan.task)
    for which, run in before.items():
        if counted and run is not None:
            count_seen(plan.splits, plan.task, which, learnt_rows(plan, run, reporter))
    return replace(plan, seconds=time.perf_counter() - began)


def read_plan(
    resolved: Resolved, memory: Mapping[str, MemoryRows] | None = None, *, reporter: Reporter | None = None
) -> Plan:
    """The rows alone, as :func:`make_plan` reads them: whether anything can be trained on them is not checked."""
    began = time.perf_counter()
    task, splits, on_disk = read_rows(resolved, memory, reporter)
    seconds = time.perf_counter() - began
    return Plan(**vars(resolved), task=task, splits=splits, on_disk=on_disk, seconds=seconds)

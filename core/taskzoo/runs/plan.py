"""A run that has been checked as far as possible before a model is loaded or a directory exists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskzoo import registry
from taskzoo.data.readers import expand, require_source
from taskzoo.errors import RequestError
from taskzoo.option_names import option_name
from taskzoo.spec import TaskSpec
from taskzoo.task import Task

from .data import NONE, REST, Splits, load_splits, paired_languages
from .request import Resolved

if TYPE_CHECKING:
    from taskzoo.methods.base import Method

    from .memory import MemoryRows


@dataclass(frozen=True, kw_only=True)
class Plan(Resolved):
    """What a run will do, and with which rows: ``task`` is fitted on the training rows of ``splits``."""

    task: Task
    splits: Splits

    @property
    def spec(self) -> TaskSpec:
        return self.entry.spec

    def method(self) -> Method:
        """A new object of the training method."""
        made: Method = registry.method(self.config.training.method)()
        return made


def make_plan(resolved: Resolved, memory: Mapping[str, MemoryRows] | None = None) -> Plan:
    """Read and check all rows, and fit the task on the training rows.

    ``memory`` holds the rows of the splits that do not come from files.

    Raises:
        PluginError, RequestError, DataError: anything that cannot be used.
    """
    config, entry, spec = resolved.config, resolved.entry, resolved.entry.spec
    languages = {role: str(config.options[name]) for role, name in spec.languages.items()}
    for pattern in (*(path for paths in config.data.files.values() for path in paths), config.data.unlabelled):
        if pattern not in (None, NONE, REST):  # before anything heavy is imported
            for path in expand(pattern):
                require_source(path, spec.columns, paired_languages(spec, languages))
    task = entry.load()(config.options)
    if config.training.baseline and not task.has_baseline:
        raise RequestError(f"The task {spec.id!r} has no baseline; leave {option_name('baseline')} out.")
    seed = config.training.seed if config.data.split_seed is None else config.data.split_seed
    splits = load_splits(spec, task, config.data, seed=seed, memory=memory)
    task.fit(splits.examples["train"])
    plan = Plan(**vars(resolved), task=task, splits=splits)
    plan.method().check(task, config.training)
    return plan

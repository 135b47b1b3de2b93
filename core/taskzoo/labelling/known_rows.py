"""The rows that a run has already: for training, validation or test."""

from __future__ import annotations

from taskzoo import registry
from taskzoo.errors import TaskZooError
from taskzoo.models.refs import ModelRef
from taskzoo.runs.directory import RunDirectory
from taskzoo.runs.identity import find_task
from taskzoo.runs.load import Run
from taskzoo.runs.plan import Plan, read_plan
from taskzoo.runs.request import Resolved
from taskzoo.runs.saved_config import saved_config


def plan_of_run(run: Run) -> tuple[Plan | None, str]:
    """The rows of the run, read again; else ``None``, and why they cannot be."""
    directory = RunDirectory(run.path)
    if not directory.manifest.is_file() or not directory.config.is_file():
        return None, "this is a model without its run directory"
    try:
        manifest = directory.read_manifest()
        config = saved_config(directory)
        entry = find_task(config.task, manifest["task"])
        unused = ModelRef(config.model, config.model)  # that training started from, which need not be there any more
        recipe = registry.ResolvedRecipe(**manifest["recipe"])
        return read_plan(Resolved(config, entry, unused, recipe)), ""
    except TaskZooError as error:
        return None, str(error).rstrip(".")

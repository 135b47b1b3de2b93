"""Rows that a finished run was trained and tuned on, read again from where its configuration says they are."""

from __future__ import annotations

from collections.abc import Sequence

from taskzoo import registry
from taskzoo.errors import RequestError
from taskzoo.models.refs import ModelRef
from taskzoo.runs.directory import RunDirectory
from taskzoo.runs.identity import find_task
from taskzoo.runs.load import Run
from taskzoo.runs.places import without_places
from taskzoo.runs.plan import read_plan
from taskzoo.runs.request import Resolved
from taskzoo.runs.saved_config import saved_config
from taskzoo.runs.wording import changed_data
from taskzoo.types import Example, Row


def read_split(run: Run, split: str) -> list[Example]:
    """The examples of ``train`` or ``validation``, exactly those that the run had.

    Raises:
        RequestError: this is no run directory, the run had no such rows, or they have changed.
        DataError: their file cannot be read.
    """
    directory = RunDirectory(run.path)
    if not directory.manifest.is_file() or not directory.config.is_file():
        raise RequestError(
            f"{str(run.path)!r} is a model without its run directory, so nobody can tell which rows it was trained on."
        )
    manifest = directory.read_manifest()
    config = saved_config(directory)
    entry = find_task(config.task, manifest["task"])
    unused = ModelRef(config.model, config.model)  # the model that training started from need not be there any more
    plan = read_plan(Resolved(config, entry, unused, registry.ResolvedRecipe(**manifest["recipe"])))
    if changes := changed_data(manifest["data"], without_places(plan, directory.path)(plan.splits.sources)):
        raise RequestError(f"The rows of the run cannot be read any more: {'; '.join(changes)} changed since.")
    found = plan.splits.examples.get(split)
    if not found:
        raise RequestError(f"The run has no {split} rows.")
    return list(found)


def rows_of(run: Run, examples: Sequence[Example]) -> list[Row]:
    """The examples without their answers, as rows to predict."""
    roles = [role for role, column in run.spec.columns.items() if not column.target]
    return [
        Row({role: example[role] for role in roles if example.get(role) is not None}, example.source, example.line)
        for example in examples
    ]

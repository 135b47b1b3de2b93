"""The labelled rows that an export is measured on."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from taskzoo.config import parse_columns
from taskzoo.errors import RequestError, TaskZooError
from taskzoo.option_names import option_name
from taskzoo.runs.data import Files, file_rows, load_splits
from taskzoo.runs.directory import RunDirectory
from taskzoo.runs.load import Run
from taskzoo.runs.old_rows import MIXED, examples_of
from taskzoo.runs.saved_config import saved_config
from taskzoo.runs.scored_rows import SCORED, read_scored_rows
from taskzoo.task import Task
from taskzoo.types import Example


def measured_examples(run: Run, data: Files | None, *, columns: str = "", limit: int = 0) -> tuple[list[Example], str]:
    """Labelled examples, and what they are called: of ``data``, or the run's own test rows, else validation rows.

    Args:
        run: as loaded.
        data: files in any format of the task.
        columns: of ``data``, as typed.
        limit: so many rows at most, drawn at random (always the same); 0: all.

    Raises:
        RequestError, DataError: there are none, or they cannot be read.
    """
    if data:
        rows = file_rows(run.spec, run.task, data, columns=parse_columns(columns), format=None)
        name = "data"
        found: Sequence[Example] = run.task.prepare(rows, "test")
        if not found:
            raise RequestError("There are no rows to measure the export on.")
    else:
        found, name = _own_examples(run)
    if limit and len(found) > limit:
        found = [found[i] for i in sorted(random.Random(0).sample(range(len(found)), limit))]
    return list(found), name


def _own_examples(run: Run) -> tuple[Sequence[Example], str]:
    directory, instead = RunDirectory(run.path), option_name("data", "FILE")
    if not directory.config.is_file():
        raise RequestError(f"{str(run.path)!r} is a model without its run; name labelled rows by {instead}.")
    config = saved_config(directory)
    fresh = type(run.task)(run.task.options)  # it learns from the training rows how labels are written
    try:
        splits = load_splits(run.spec, fresh, config.data, seed=config.rows_seed).examples
        for name in ("test", "validation"):
            if found := splits.get(name):
                _check_same(run, fresh, found, name)
                return found, name
    except RequestError as error:
        raise RequestError(
            f"The export is measured on the run's own rows, and they cannot be read again: {error!s:.250} Name "
            f"labelled rows by {instead}."
        ) from None
    raise RequestError(f"The run has neither test nor validation rows; name labelled rows by {instead}.")


def _check_same(run: Run, task: Task, examples: Sequence[Example], split: str) -> None:
    """Refuse, by a :class:`RequestError`, other rows than those that the run kept its predictions of, or had so many.

    A run that is continued may have mixed rows of the earlier one into its validation rows.
    """
    directory = RunDirectory(run.path)
    manifest = directory.read_manifest() if directory.manifest.is_file() else {}
    count = manifest.get("rows", {}).get(split, len(examples))
    count -= manifest.get("splits", {}).get(MIXED, {}).get(split, 0)
    if count and count != len(examples):
        raise RequestError(f"the run had {count} {split} rows, and {len(examples)} are read now.")
    if split != SCORED or not directory.predictions.is_file():
        return
    try:
        kept = examples_of(read_scored_rows(run.path), run.spec, task)
    except TaskZooError:  # the predictions do not repeat all of their inputs
        return
    pairs = zip(kept, examples, strict=False)
    if other := [new for old, new in pairs if task.dedup_key(old)[0] != task.dedup_key(new)[0]]:
        raise RequestError(f"{other[0].source}:{other[0].line} is not the {split} row that the run had in this place.")


def shown_path(path: Path) -> str:
    """A path for a card, without the folders above the working directory."""
    return RunDirectory(path).shown

"""The labelled rows that an export is measured on."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from taskzoo.config import RunConfig, parse_columns, read_config
from taskzoo.errors import RequestError
from taskzoo.option_names import option_name
from taskzoo.runs.data import Files, file_rows, load_splits
from taskzoo.runs.directory import RunDirectory
from taskzoo.runs.load import Run
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
    config = RunConfig.from_dict(read_config(directory.config))
    fresh = type(run.task)(run.task.options)  # it learns from the training rows how labels are written
    try:
        splits = load_splits(run.spec, fresh, config.data, seed=config.training.seed).examples
    except RequestError as error:
        raise RequestError(
            f"The export is measured on the run's own rows, and they cannot be read again: {error!s:.250} Name "
            f"labelled rows by {instead}."
        ) from None
    for name in ("test", "validation"):
        if splits.get(name):
            return splits[name], name
    raise RequestError(f"The run has neither test nor validation rows; name labelled rows by {instead}.")


def shown_path(path: Path) -> str:
    """A path for a card, without the folders above the working directory."""
    return RunDirectory(path).shown

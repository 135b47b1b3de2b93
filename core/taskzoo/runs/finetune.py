"""``taskzoo.finetune`` and ``taskzoo.resume``."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from taskzoo.engine.launched import rank
from taskzoo.engine.progress import Reporter, Silent
from taskzoo.errors import RequestError

from .directory import RunDirectory, new_run
from .execute import Stop, never, restart, start
from .identity import check_contract
from .offered_settings import offers_settings
from .plan import make_plan
from .request import DataRequest, RunRequest, resolve_request, resolve_saved
from .saved_config import saved_config

if TYPE_CHECKING:
    from taskzoo.registry import TaskReference

    from .load import Run
    from .request import Rows

    Report = Reporter | Callable[[str], object] | None


@offers_settings
def finetune(  # noqa: PLR0913 - the public API
    task: TaskReference,
    *,
    model: str | Path | None = None,
    from_run: str | Path | Run | None = None,
    data: str | None = None,
    train: Rows | None = None,
    validation: Rows | None = None,
    test: Rows | None = None,
    columns: Mapping[str, str] | None = None,
    test_columns: Mapping[str, str] | None = None,
    skip_bad_rows: bool | None = None,
    format: str | None = None,
    group_by: str | None = None,
    shots: int | None = None,
    holdout: str | float | None = None,
    unlabelled: Rows | Sequence[str] | None = None,
    config: str | Path | None = None,
    output: str | Path | None = None,
    track: Sequence[str] | None = None,
    reporter: Report = None,
    trust_remote_code: bool = False,
    **settings: Any,
) -> Run:
    """Fine-tune ``model`` for ``task`` and return the finished run, ready to predict.

    Args:
        task: a name (``"ner"``, ``"distribution/task"``), ``"path/to/task.py:Class"``, or a subclass of
            :class:`taskzoo.Task` with a ``spec``.
        model: registry name, hub id or local directory; default: the task's own.
        from_run: a finished run of this task, or its directory, from which training goes on: labels that are new are
            added, and what is forgotten of the old test rows is measured; the setting ``mix_old`` mixes in old rows.
        data: a data set by name, a directory with split files, or ``"hub:ID"``; none at all means the demo set.
        train: a file, or a list of files and patterns (``"part-*.csv"``); a pair ``(inputs, targets)``, a data frame
            or a list of mappings.
        validation: the same; an empty list, or the word ``none``, is no such split.
        test: as ``validation``.
        columns: role -> column name or position.
        test_columns: the same for test rows whose columns differ.
        skip_bad_rows: leave out rows that cannot be used, and list them in the manifest.
        format: the files' format, where their content does not tell.
        group_by: a column whose rows stay together when splits are made, ``COLUMN`` or ``COLUMN:SEPARATOR``.
        shots: keep this many training rows per class.
        holdout: how many training rows, or which share of them, become validation and test rows where these are
            missing; ``"500,1000"`` for each.
        unlabelled: texts without labels for the methods ``linear-probe`` and ``contrastive``: a list or a file, as the
            other rows are; or ``"rest"``, the training rows left out by ``shots``.
        config: a ``config.yaml`` to start from.
        output: the run directory; default ``runs/TASK-MODEL-TIME``.
        track: names of callbacks that plugins bring.
        reporter: where progress is shown: a function that takes a line, such as ``print``, or a
            :class:`taskzoo.engine.progress.Reporter`; default: nowhere.
        trust_remote_code: whether Python code that comes with the checkpoint may be run.
        **settings: engine settings and task options, e.g. ``epochs=1, learning_rate=3e-4``.

    Raises:
        RequestError: the request cannot be met (nothing is written).
        PluginError: the task's code fails; before training, nothing is written.
        TrainingError: training failed; the last checkpoint is kept.
    """
    rows = DataRequest(data, train, validation, test, unlabelled, columns, format, group_by, shots, holdout)
    rows = replace(rows, test_columns=test_columns, skip_bad_rows=skip_bad_rows)
    earlier = from_run if from_run is None or isinstance(from_run, str | Path) else from_run.path
    named = None if model is None else str(model)
    resolved = resolve_request(
        RunRequest(task, named, rows, settings, config, track, trust_remote_code, from_run=earlier)
    )
    with new_run(output, resolved.title, resolved.config.model, ours=rank() > 0) as path:
        if reporter is None and data is None and resolved.config.data.name == "demo":
            warnings.warn(f"No data named: using the built-in demo set of {resolved.entry.name}.", stacklevel=2)
        plan = make_plan(resolved, rows.memory, reporter=as_reporter(reporter))
        return start(plan, path, reporter=as_reporter(reporter))


def resume(
    path: str | Path,
    *,
    reporter: Report = None,
    stop: Stop = never,
    trust_remote_code: bool = False,
    force: bool = False,
) -> Run:
    """Continue an interrupted run in its own directory; the result is identical to that of an uninterrupted run.

    Args:
        path: the run directory.
        reporter: as for :func:`finetune`.
        stop: asked after every step whether to stop and save the state.
        trust_remote_code: as for :func:`finetune`; a run does not carry the permission on.
        force: go on although model, data or settings have changed; the result is then another.

    Raises:
        RequestError: not a run directory, already finished, or its model, data or settings have changed since.
        PluginError: its task's plugin is missing or failed.
    """
    directory = RunDirectory(Path(path))
    manifest = directory.read_begun()
    if manifest["status"] == "finished":
        with suppress(OSError), directory.held():  # removes the lock of one that was killed after its last word
            pass
        if not saved_config(directory).training.keep_checkpoints:
            shutil.rmtree(directory.checkpoints, ignore_errors=True)  # killed before it could be removed
        raise RequestError(f"The run {str(path)!r} is finished; there is nothing to resume.")
    check_contract(manifest["task"])
    config = saved_config(directory)
    resolved = resolve_saved(config, manifest, trust_remote_code=trust_remote_code)
    said = as_reporter(reporter)
    return restart(make_plan(resolved, reporter=said), directory, force=force, reporter=said, stop=stop)


def as_reporter(given: Report) -> Reporter:
    """A reporter from what people pass: nothing, a function that takes a line, or a reporter."""
    if given is None:
        return Silent()
    return cast("Reporter", given) if hasattr(given, "say") else Lines(given)


class Lines(Silent):
    """Passes every message to a function; bars are not shown."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say

    def say(self, message: str) -> None:
        self._say(message)

"""The finished run that a model learns from (distillation), and what it must be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskzoo.errors import RequestError
from taskzoo.option_names import option_name

from .directory import TASK_FILE
from .earlier_run import EarlierRun, read_earlier

if TYPE_CHECKING:
    from taskzoo.config import RunConfig
    from taskzoo.registry import TaskEntry
    from taskzoo.task import Task

SHOWN = 4
"""Labels that a message names."""


def read_teacher(path: str) -> EarlierRun:
    """The finished run at ``path``.

    Raises:
        RequestError: there is none.
        PluginError: it was made under another contract.
    """
    root = Path(path)
    if not any((folder / TASK_FILE).is_file() for folder in (root, root / "model")):
        what = "there is nothing" if not root.exists() else f"it has no model/{TASK_FILE}"
        raise RequestError(f"teacher={path} is not a finished run: {what}.")
    return read_earlier(path)


def describe_teacher(path: str) -> dict[str, Any]:
    """For the manifest: its name and the digests of its files, in the form of ``model`` there.

    Raises:
        RequestError, PluginError: as :func:`read_teacher`.
    """
    return {"name": path, "sha256": read_teacher(path).describe()["model_files"]}


def refuse_folds(config: RunConfig) -> None:
    """Raise :class:`RequestError` where a teacher is to teach runs on folds, which it may have learnt as a whole."""
    if config.training.teacher and config.data.fold:
        raise RequestError(
            f"teacher={config.training.teacher} is one model for all folds and may have learnt the rows of each, and "
            f"{option_name('folds')} tests on rows that are new; leave one of the two out."
        )


def check_teacher(path: str, entry: TaskEntry, task: Task) -> EarlierRun:
    """The teacher; refused if it is of another kind or has other labels than ``task``, which is fitted.

    No model is loaded.

    Raises:
        RequestError: it is not a finished run of the same task with the same labels.
        PluginError: it was made under another contract.
    """
    asked, teacher = f"teacher={path}", read_teacher(path)
    if teacher.saved.task["name"] != entry.full_name:
        raise RequestError(
            f"{asked} is a run of the task {teacher.saved.task['name']!r}, and this one is of {entry.full_name!r}; a "
            "teacher must have been trained for the same task."
        )
    ours, theirs = task.logit_targets, teacher.task(entry, teacher.saved.options).logit_targets
    assert ours is not None  # check_strategies
    if theirs is None or theirs.kind != ours.kind:
        raise RequestError(f"{asked} predicts labels in another way than these rows ask for; use a run like this one.")
    missing, further = sorted(set(ours.names) - set(theirs.names)), sorted(set(theirs.names) - set(ours.names))
    if missing or further:
        found = [f"lacks {_first(missing)}"] if missing else []
        found += [f"also has {_first(further)}, which no training row here has"] if further else []
        raise RequestError(f"{asked} {' and '.join(found)}; a teacher and its student must have the same labels.")
    return teacher


def _first(names: list[str]) -> str:
    return ", ".join(map(repr, names[:SHOWN])) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")

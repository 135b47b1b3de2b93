"""``task.json`` of a finished run, read in one place: every value is there and of its kind, or it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taskzoo.errors import RequestError
from taskzoo.types import NO_SCALING

from .directory import read_json
from .identity import check_contract

FORMAT = 2
"""Of ``task.json``."""

_KINDS: dict[str, tuple[type, str]] = {
    "precision": (str, "a text"),
    "options": (dict, "an object"),
    "state": (dict, "an object"),
}
_TASK_KINDS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "name": (str, "a text"),
    "distribution": ((str, type(None)), "a text or null"),
    "version": ((str, type(None)), "a text or null"),
    "state_version": (int, "a number"),
}


@dataclass(frozen=True, slots=True)
class SavedTask:
    """What prediction needs besides weights and processor.

    Args:
        task: whose it is, as :func:`~taskzoo.runs.identity.describe_task` gives it.
        precision: that of training.
        options: of the task.
        state: of the task.
        logit_scaling: factor and offset that training had of the output layer.
    """

    task: Mapping[str, Any]
    precision: str
    options: Mapping[str, Any]
    state: Mapping[str, Any]
    logit_scaling: tuple[float, float]


def read_task(file: Path) -> SavedTask:
    """The content of ``file``, checked.

    Raises:
        RequestError: it is damaged.
        PluginError: it was made under another contract.
    """
    saved = read_json(file)
    if not isinstance(saved, dict):
        raise _damaged(file, "it is not a JSON object")
    if "format" not in saved and "contract" not in saved:
        raise _damaged(file, "'format' is missing")
    if type(saved.get("format", FORMAT)) is not int:
        raise _damaged(file, f"'format' must be a number, and is {saved['format']!r:.40}")
    if saved.get("format") != FORMAT:
        check_contract({"contract": saved.get("contract")})
    _check(file, "task", saved, dict, "an object")
    check_contract(saved["task"])
    for name, (kind, words) in _KINDS.items():
        _check(file, name, saved, kind, words)
    for name, (kinds, words) in _TASK_KINDS.items():
        _check(file, name, saved["task"], kinds, words)
    scaling = saved.get("logit_scaling", list(NO_SCALING))
    numbers = isinstance(scaling, list) and all(type(value) in (int, float) for value in scaling)
    if not numbers or len(scaling) != len(NO_SCALING):
        raise _damaged(file, f"'logit_scaling' must be two numbers, and is {scaling!r:.40}")
    return SavedTask(saved["task"], saved["precision"], saved["options"], saved["state"], (scaling[0], scaling[1]))


def _check(file: Path, name: str, values: Mapping[str, Any], kind: Any, words: str) -> None:
    if name not in values:
        raise _damaged(file, f"{name!r} is missing")
    if not isinstance(values[name], kind) or isinstance(values[name], bool):
        raise _damaged(file, f"{name!r} must be {words}, and is {values[name]!r:.40}")


def _damaged(file: Path, what: str) -> RequestError:
    return RequestError(f"task.json of this run is damaged: {what}. Copy the run again; the file is {str(file)!r}.")
